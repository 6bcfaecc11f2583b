"""Sphinx's settings; docs/site/make.py calls it with what it has collected."""
import re

import libchunk

project, author, copyright = "libchunk", "libchunk's authors", "MIT licence"
version = release = libchunk.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = f"libchunk {release}"
html_show_sourcelink = False
exclude_patterns = ["site"]
myst_heading_anchors = 3
suppress_warnings = ["myst.xref_missing"]   # pages name files of the clone that are not of the site
napoleon_google_docstring = False
napoleon_use_ivar = True
autodoc_typehints = "none"
pygments_style = "friendly"
html_static_path = ["static"]
html_css_files = ["wide.css"]


def plain(app, what, name, obj, options, lines):
    """Docstrings are plain text in NumPy's sections: what reStructuredText would take for markup is escaped; `name` is code."""
    lines[:] = [re.sub(r"([*|]|_\b)", r"\\\1", re.sub(r"(?<!`)`([^`]+)`(?!`)", r"``\1``", line)) if "``" not in line and not re.fullmatch(r"\s*[-=]+", line) else line
                for line in lines]


def setup(app):
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", plain, priority=400)
