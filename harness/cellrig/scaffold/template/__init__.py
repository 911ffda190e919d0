"""The virt driver template for Cellrig."""

from cellrig.scaffold.template.driver import TemplateDriver, TemplateOptions

__all__ = ["TemplateDriver", "TemplateOptions"]
