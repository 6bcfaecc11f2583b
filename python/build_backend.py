"""The build backend: scikit-build-core's, but that a source distribution holds the C engine too, as engine/."""
import os
import shutil
import sys

from scikit_build_core.build import *  # noqa: F403
from scikit_build_core import build as scikit

HERE = os.path.dirname(os.path.abspath(__file__))
ENGINE = os.path.join(HERE, "engine")
PARTS = ["CMakeLists.txt", "LICENSE", "NOTICE", "cmake", "libchunk"]


def build_sdist(sdist_directory, config_settings=None):
    root = os.path.dirname(HERE)
    copied = not os.path.exists(ENGINE)
    try:
        if copied:
            os.mkdir(ENGINE)
            for part in PARTS:
                source, target = os.path.join(root, part), os.path.join(ENGINE, part)
                if os.path.isdir(source):
                    shutil.copytree(source, target)
                else:
                    shutil.copy(source, target)
        return scikit.build_sdist(sdist_directory, config_settings)
    finally:
        if copied:
            shutil.rmtree(ENGINE, ignore_errors=True)


def explained(build):
    """A failing CMake says which library is missing; this says where they come from."""

    def call(*args, **kwargs):
        try:
            return build(*args, **kwargs)
        except SystemExit:
            if not os.path.exists(os.path.join(HERE, "PKG-INFO")):
                print("libchunk: the C libraries that it is built from are installed by `./dev setup`, in the folder above", file=sys.stderr)
            raise

    return call


build_wheel = explained(scikit.build_wheel)
build_editable = explained(scikit.build_editable)
