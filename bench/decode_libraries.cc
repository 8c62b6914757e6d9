/* See decode_libraries.h. RapidJSON by its event reader, simdjson On-Demand in the order of the text, yyjson
 * with a memory pool of its own. All validate what they skip but simdjson, which looks only at what it is
 * asked for. */
#include "decode_libraries.h"

#include <cstdlib>
#include <cstring>
#include <string_view>

#if __has_include(<rapidjson/reader.h>)
#define HAVE_RAPIDJSON
#define RAPIDJSON_SSE2
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>
#endif
#if __has_include(<simdjson.h>)
#define HAVE_SIMDJSON
#include <simdjson.h>
#endif
#if __has_include(<yyjson.h>)
#define HAVE_YYJSON
#include <yyjson.h>
#endif

extern "C" bool rfc3339_parse(const char *text, size_t len, int64_t *unix_ms, int32_t *offset_s);

namespace {

struct Text {
    uint8_t len = 0;
    char bytes[64];

    void set(std::string_view text) {
        if (text.size() < 1 || text.size() > sizeof bytes)
            std::abort();
        len = static_cast<uint8_t>(text.size());
        std::memcpy(bytes, text.data(), text.size());
    }
};

struct Swipe {
    Text employee, site, result;
    int64_t ms = 0;
    int32_t offset_s = 0;

    void set_occurred(std::string_view text) {
        if (!rfc3339_parse(text.data(), text.size(), &ms, &offset_s))
            std::abort();
    }
    static void check_direction(std::string_view text) {
        if (text != "in" && text != "out" && text != "unknown")
            std::abort();
    }
    void set(std::string_view key, std::string_view value) {
        if (key == "employee_id")
            employee.set(value);
        else if (key == "occurred_at")
            set_occurred(value);
        else if (key == "site_id")
            site.set(value);
        else if (key == "result")
            result.set(value);
        else if (key == "direction")
            check_direction(value);
    }
    uint64_t sum() const {
        return static_cast<uint64_t>(ms) + employee.len + site.len + result.len;
    }
};

#ifdef HAVE_RAPIDJSON
struct Handler : rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Handler> {
    Swipe swipe;
    std::string_view key;
    char key_bytes[64];

    bool Key(const char *text, rapidjson::SizeType len, bool) {
        if (len > sizeof key_bytes)
            return false;
        std::memcpy(key_bytes, text, len);
        key = std::string_view(key_bytes, len);
        return true;
    }
    bool String(const char *text, rapidjson::SizeType len, bool) {
        swipe.set(key, std::string_view(text, len));
        return true;
    }
};

uint64_t decode_rapidjson(const library_input *inputs, size_t count) {
    rapidjson::Reader reader;
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        Handler handler;
        rapidjson::MemoryStream stream(inputs[i].text, inputs[i].len);
        if (reader.Parse<rapidjson::kParseValidateEncodingFlag>(stream, handler).IsError())
            std::abort();
        sum += handler.swipe.sum();
    }
    return sum;
}
#endif

#ifdef HAVE_SIMDJSON
uint64_t decode_simdjson(const library_input *inputs, size_t count) {
    simdjson::ondemand::parser parser;
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        Swipe swipe; /* what is behind a text may be read: the next one, or the padding of the last */
        simdjson::padded_string_view view(inputs[i].text, inputs[i].len,
                                          inputs[i].len + simdjson::SIMDJSON_PADDING);
        auto document = parser.iterate(view);
        for (auto field : document.get_object()) {
            std::string_view key, value;
            if (field.unescaped_key().get(key) || field.value().get_string().get(value))
                std::abort();
            swipe.set(key, value);
        }
        sum += swipe.sum();
    }
    return sum;
}
#endif

#ifdef HAVE_YYJSON
std::string_view get(yyjson_val *root, const char *key) {
    yyjson_val *value = yyjson_obj_get(root, key);
    return std::string_view(yyjson_get_str(value), yyjson_get_len(value));
}

uint64_t decode_yyjson(const library_input *inputs, size_t count) {
    static char memory[1 << 16];
    yyjson_alc pool;
    uint64_t sum = 0;
    yyjson_alc_pool_init(&pool, memory, sizeof memory);
    for (size_t i = 0; i < count; i++) {
        Swipe swipe;
        char *text = const_cast<char *>(inputs[i].text); /* not written to */
        yyjson_doc *document =
            yyjson_read_opts(text, inputs[i].len, YYJSON_READ_NUMBER_AS_RAW, &pool, nullptr);
        yyjson_val *root = yyjson_doc_get_root(document);
        swipe.employee.set(get(root, "employee_id"));
        swipe.set_occurred(get(root, "occurred_at"));
        swipe.site.set(get(root, "site_id"));
        swipe.result.set(get(root, "result"));
        Swipe::check_direction(get(root, "direction"));
        sum += swipe.sum();
        yyjson_doc_free(document);
    }
    return sum;
}
#endif

} // namespace

const library libraries[] = {
#ifdef HAVE_RAPIDJSON
    {"rapidjson", decode_rapidjson},
#endif
#ifdef HAVE_SIMDJSON
    {"simdjson", decode_simdjson},
#endif
#ifdef HAVE_YYJSON
    {"yyjson", decode_yyjson},
#endif
    {nullptr, nullptr},
};
const size_t libraries_count = sizeof libraries / sizeof *libraries - 1;
