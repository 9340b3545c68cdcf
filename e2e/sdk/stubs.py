"""Stands in for the SDK's heavy optional libraries.

`import dynamiq` imports clients of some fifty services (vector stores, clouds,
browsers: more than a gigabyte), none of which tracing uses. Every module that
is not installed is replaced by one whose names are empty classes. The SDK
itself, litellm, openai, pydantic, orjson, requests and httpx are the real ones.
"""
import importlib.abc
import importlib.machinery
import sys
import types


class _Meta(type):
    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _stub(name)

    def __iter__(cls):
        return iter(())

    def __or__(cls, other):
        return cls

    def __ror__(cls, other):
        return other


def _stub(name):
    if name.endswith(("Error", "Exception", "NotFound", "Failed")):
        return type(name, (Exception,), {})
    return _Meta(name, (), {"__init__": lambda self, *a, **k: None, "__class_getitem__": classmethod(lambda c, _: c)})


class _Module(types.ModuleType):
    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        value = _stub(name)
        setattr(self, name, value)
        return value


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """The last finder: it is asked only for what nothing else has found."""

    stubbed = set()

    def find_spec(self, name, path=None, target=None):
        top = name.split(".")[0]
        if top in ("dynamiq", "__main__") or top in sys.stdlib_module_names or top in REAL:
            return None
        if not self._wanted():
            return None
        self.stubbed.add(top)
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    @staticmethod
    def _wanted():
        # Only imports made by the SDK or a stub: other libraries probe for
        # optional modules and must go on finding them missing.
        frame = sys._getframe(2)
        while frame and "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        name = frame.f_globals.get("__name__", "") if frame else ""
        return name.startswith("dynamiq") or name.split(".")[0] in _Finder.stubbed

    def create_module(self, spec):
        return _Module(spec.name)

    def exec_module(self, module):
        pass


REAL = {"pydantic", "orjson", "requests", "httpx", "jinja2", "yaml", "tenacity", "litellm", "openai", "mcp", "tiktoken", "jsonpath_ng"}


def install():
    sys.meta_path.append(_Finder())
