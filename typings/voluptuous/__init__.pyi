# Home Assistant answers `import voluptuous` with probatio at run time
# (homeassistant/__init__.py), so the type checker sees the same.
from probatio import *
