"""What is installed can be used: through CMake's package, through pkg-config, from C++, after the folder was moved; nothing but the public
names is exported; the launcher stands alone."""
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(os.environ.get("CHUNK_BIN", ROOT / "build/dev/bin"))
BUILD = BIN.parent
PROGRAM = '#include <chunk.h>\n#include <stdio.h>\nint main(void) { return puts(chunk_version()) < 0; }\n'

pytestmark = pytest.mark.skipif(bool(re.search("asan|ubsan|tsan", str(BUILD))), reason="the package is the same under sanitizers")


def run(*command, **options):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """An installation that was moved after it was made."""
    first = tmp_path_factory.mktemp("install") / "first"
    run("cmake", "--install", BUILD, "--prefix", first)
    moved = first.parent / "moved"
    shutil.move(first, moved)
    return moved


def libdir(prefix):
    return next(prefix.rglob("libchunk.so")).parent


def test_cmake_package(prefix, tmp_path):
    (tmp_path / "main.c").write_text(PROGRAM)
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\nproject(user LANGUAGES C)\nfind_package(libchunk REQUIRED)\n"
        "add_executable(user main.c)\ntarget_link_libraries(user PRIVATE libchunk::chunk)\n")
    run("cmake", "-G", "Ninja", "-S", tmp_path, "-B", tmp_path / "b", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", tmp_path / "b")
    assert run(tmp_path / "b/user").strip() == header_version()


def test_pkg_config(prefix, tmp_path):
    (tmp_path / "main.c").write_text(PROGRAM)
    env = dict(os.environ, PKG_CONFIG_PATH=str(libdir(prefix) / "pkgconfig"))
    flags = run("pkg-config", "--cflags", "--libs", "libchunk", env=env).split()
    assert run("pkg-config", "--modversion", "libchunk", env=env).strip() == header_version()
    run("cc", tmp_path / "main.c", "-o", tmp_path / "user", *flags, f"-Wl,-rpath,{libdir(prefix)}")
    assert run(tmp_path / "user").strip() == header_version()


def test_nothing_is_loaded_from_the_current_directory(prefix):
    """An RPATH with an empty or relative entry would make the loader look there."""
    files = [f for where in (prefix, BUILD / "bin", BUILD / "lib") for f in where.rglob("*") if f.is_file() and f.read_bytes()[:4] == b"\x7fELF"]
    assert {"chunk", "chunk-worker", "libchunk.so"} <= {f.name for f in files}
    for f in files:
        for path in re.findall(r"(?:RPATH|RUNPATH).*\[(.*)\]", run("readelf", "-d", f)):
            assert all(entry.startswith(("/", "$ORIGIN")) for entry in path.split(":")), (f, path)


def header_version():
    return re.search(r'#define CHUNK_VERSION "([^"]+)"', (ROOT / "libchunk/include/chunk.h").read_text())[1]


def test_version_numbers_agree():
    text = (ROOT / "libchunk/include/chunk.h").read_text()
    parts = [re.search(rf"#define CHUNK_VERSION_{part} (\d+)", text)[1] for part in ("MAJOR", "MINOR", "PATCH")]
    assert ".".join(parts) == header_version()


@pytest.mark.parametrize("language", ["c", "c++"])
def test_header_stands_alone(prefix, tmp_path, language):
    source = tmp_path / "main.cc"
    source.write_text("#include <chunk.h>\nint main() { return chunk_version() == 0; }\n".replace("main()", "main(void)"))
    standard = {"c": "-std=c11", "c++": "-std=c++11"}[language]
    run("g++" if language == "c++" else "cc", "-x", language, standard, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only",
        f"-I{next(prefix.rglob('chunk.h')).parent}", source)


@pytest.mark.parametrize("language", ["c", "c++"])
def test_ops_header(prefix, tmp_path, language):
    """chunk_ops.h compiles without a warning as C99 and C++11, and has a function for every operation of the table."""
    folder = next(prefix.rglob("chunk_ops.h")).parent
    listed = [line.split()[0] for line in run(prefix / "bin/chunk", "ops").splitlines() if line.startswith("  ")]
    names = [text.split("(")[0] for text in listed]
    text = (folder / "chunk_ops.h").read_text()
    assert set(re.findall(r"^static inline chunk_status chunk_op_(\w+)\(", text, re.M)) == set(names) and len(names) > 100
    source = tmp_path / "main.cc"
    uses = "".join(f"    use(reinterpret_cast<void (*)()>(chunk_op_{n}));\n" if language == "c++" else f"    use((void (*)(void))chunk_op_{n});\n"
                   for n in names)
    source.write_text("#include <chunk_ops.h>\nstatic void use(void (*f)(void)) { (void)f; }\nint main(void)\n{\n" + uses + "    return 0;\n}\n")
    standard = {"c": "-std=c99", "c++": "-std=c++11"}[language]
    run("g++" if language == "c++" else "cc", "-x", language, standard, "-Wall", "-Wextra", "-Wpedantic", "-Wno-cast-function-type", "-Werror",
        "-c", "-o", tmp_path / "main.o", f"-I{folder}", source)


def test_soname_and_exports(prefix):
    library = next(prefix.rglob("libchunk.so.0"))
    assert "[libchunk.so.0]" in run("readelf", "-d", library)
    names = [line.split()[-1] for line in run("nm", "-D", "--defined-only", library).splitlines()]
    declared = set(re.findall(r"CHUNK_API [^;(]*?\*?\b(chunk_\w+)\(", (ROOT / "libchunk/include/chunk.h").read_text()))
    assert declared and set(names) == declared


def test_every_declared_function_is_documented_or_plain():
    """Each CHUNK_API line belongs to a block that a comment opens or ends."""
    text = (ROOT / "libchunk/include/chunk.h").read_text()
    for block in re.split(r"\n\s*\n", text):
        if "CHUNK_API chunk" in block:
            assert "/*" in block, f"no comment near: {block.splitlines()[0]}"


def test_installed_tools_run(prefix):
    for name in ("chunk", "chunk-info"):
        assert header_version() in run(prefix / "bin" / name, "--version")
    assert "sum" in run(prefix / "bin/chunk", "ops")


def test_launcher_needs_no_library():
    assert "hdf5" not in run("readelf", "-d", BIN / "chunk")
