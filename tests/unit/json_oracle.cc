/* See json_oracle.h. RapidJSON's event reader, since of the usual libraries it needs the least bending: it
 * validates UTF-8, nests without recursion, hands numbers on as they are written, and reports every key, so
 * that repeats can be told at the top level alone. Jansson refuses large integers too, NUL in keys, and
 * repeats at no level or at all.
 *
 * What has to be bent: it takes a NUL for the end of the text; it lets a lone low surrogate pass, which then
 * arrives here as three bytes that are no UTF-8; and it stops at exponents that a double cannot have. */
#include "json_oracle.h"

#include <algorithm>
#include <cstring>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>
#include <set>
#include <string>

namespace {

struct Handler {
    unsigned depth_max, depth = 0;
    const char *const *names;
    size_t count;
    oracle_value *values;
    oracle_value *current = nullptr; /* where the next value of the top level goes */
    std::set<std::string> keys;

    bool take(oracle_kind kind, const char *text, size_t len) {
        if (depth == 0)
            return kind == ORACLE_OBJECT;
        if (depth == 1 && current != nullptr) {
            current->kind = kind;
            append(text, len);
        } else if (depth == 2 && current != nullptr && current->kind == ORACLE_ARRAY) {
            if (kind == ORACLE_STRING && std::memchr(text, '\n', len) == nullptr)
                append(text, len);
            else
                append("?", 1);
            append("\n", 1);
        }
        return true;
    }
    void append(const char *text, size_t len) {
        if (len > 0 && current->len < ORACLE_TEXT_MAX)
            std::memcpy(current->text + current->len, text,
                        std::min<size_t>(len, ORACLE_TEXT_MAX - current->len));
        current->len = std::min<size_t>(current->len + len, ORACLE_TEXT_MAX);
    }
    static bool has_surrogate(const char *text, size_t len) {
        for (size_t i = 0; i + 1 < len; i++)
            if (text[i] == '\xed' && static_cast<unsigned char>(text[i + 1]) >= 0xa0)
                return true;
        return false;
    }
    bool open(oracle_kind kind) {
        return take(kind, nullptr, 0) && ++depth <= depth_max;
    }
    bool close() {
        depth--;
        return true;
    }

    bool Null() {
        return take(ORACLE_ABSENT, nullptr, 0);
    }
    bool Bool(bool) {
        return take(ORACLE_BOOLEAN, nullptr, 0);
    }
    bool RawNumber(const char *text, rapidjson::SizeType len, bool) {
        return take(ORACLE_NUMBER, text, len);
    }
    bool String(const char *text, rapidjson::SizeType len, bool) {
        return !has_surrogate(text, len) && take(ORACLE_STRING, text, len);
    }
    bool Key(const char *text, rapidjson::SizeType len, bool) {
        if (has_surrogate(text, len))
            return false;
        if (depth != 1)
            return true;
        current = nullptr;
        for (size_t i = 0; i < count; i++)
            if (std::strlen(names[i]) == len && std::memcmp(names[i], text, len) == 0)
                current = &values[i];
        return keys.emplace(text, len).second;
    }
    bool StartObject() {
        return open(ORACLE_OBJECT);
    }
    bool EndObject(rapidjson::SizeType) {
        return close();
    }
    bool StartArray() {
        return open(ORACLE_ARRAY);
    }
    bool EndArray(rapidjson::SizeType) {
        return close();
    }
    /* Numbers come raw. */
    bool Int(int) {
        return false;
    }
    bool Uint(unsigned) {
        return false;
    }
    bool Int64(int64_t) {
        return false;
    }
    bool Uint64(uint64_t) {
        return false;
    }
    bool Double(double) {
        return false;
    }
};

} // namespace

enum oracle_verdict oracle_read(const char *text, size_t len, unsigned depth_max, const char *const *names,
                                size_t count, struct oracle_value *values) {
    for (size_t i = 0; i < count; i++) {
        values[i].kind = ORACLE_ABSENT;
        values[i].len = 0;
    }
    Handler handler;
    handler.depth_max = depth_max;
    handler.names = names;
    handler.count = count;
    handler.values = values;
    rapidjson::Reader reader;
    rapidjson::MemoryStream stream(text, len);
    const unsigned flags = rapidjson::kParseValidateEncodingFlag | rapidjson::kParseNumbersAsStringsFlag |
                           rapidjson::kParseIterativeFlag;
    rapidjson::ParseResult result = reader.Parse<flags>(stream, handler);
    if (result.Code() == rapidjson::kParseErrorNumberTooBig)
        return ORACLE_SILENT;
    return result.IsError() || stream.Tell() != len ? ORACLE_REFUSED : ORACLE_ACCEPTED;
}
