"""What every web server of unoqa shares: who may ask, what may be asked for, and how an answer is made."""

from importlib.util import find_spec

from unoqa.core.errors import UsageError

if find_spec("fastapi") is None or find_spec("uvicorn") is None:
    raise UsageError("Web pages need FastAPI and uvicorn: pip install 'unoqa[app]'.")
