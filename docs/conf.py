"""How the documentation is built: Sphinx with MyST, nothing from the network."""

from cellrig import __version__

project = "Cellrig"
author = "the Cellrig authors"
copyright = "the Cellrig authors"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"Cellrig {release}"

autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_default_options = {"members": True}
# Single backquotes in our docstrings name things of the code.
default_role = "code"
nitpicky = False
