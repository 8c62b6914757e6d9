"""What the tests of whole commands share. The program under test is named by the environment variable ROLLCALL."""

import os
import shutil
import subprocess
import tempfile
import unittest

ROLLCALL = os.path.abspath(os.environ.get("ROLLCALL", "build/dev/rollcall"))
OK, FAILURE, USAGE, CONFIG = 0, 1, 64, 78


def run(args, stdin=b"", **more):
    """(exit code, output, what it said)"""
    done = subprocess.run([ROLLCALL] + args, input=stdin, capture_output=True, check=False, **more)
    return done.returncode, done.stdout, done.stderr.decode("utf-8")


class Folder(unittest.TestCase):
    """A folder of its own for each test."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="rollcall-test-")
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()
