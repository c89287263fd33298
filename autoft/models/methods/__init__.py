"""Methods: which parameters train, one file a method."""

from autoft.models.methods.base import Method
from autoft.registry import Registry

METHODS: Registry[type[Method]] = Registry("method", group="autoft.methods")
METHODS.add("full", "autoft.models.methods.full:Full")
METHODS.add("head", "autoft.models.methods.head:HeadOnly")
METHODS.add("lora", "autoft.models.methods.lora:Lora")
METHODS.add("adapter", "autoft.models.methods.adapter:Adapter")
METHODS.add("ia3", "autoft.models.methods.ia3:Ia3")
METHODS.add("bitfit", "autoft.models.methods.bitfit:BitFit")

__all__ = ["METHODS", "Method"]
