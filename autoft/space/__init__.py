"""What may vary in a search: domains, search spaces, and the strict loader of their YAML."""

from autoft.space.domains import Categorical, Constant, Domain, Float, Integer, Scalar, values_of
from autoft.space.fields import check_fields, leaves_of, parameter
from autoft.space.find import find_space, space_names
from autoft.space.loader import load_space, parse_space, space_from_json
from autoft.space.schema import Choice, Group, Leaf, Schema
from autoft.space.search_space import Parameter, SearchSpace

__all__ = [
    "Categorical",
    "Choice",
    "Constant",
    "Domain",
    "Float",
    "Group",
    "Integer",
    "Leaf",
    "Parameter",
    "Scalar",
    "Schema",
    "SearchSpace",
    "check_fields",
    "find_space",
    "leaves_of",
    "load_space",
    "parameter",
    "parse_space",
    "space_from_json",
    "space_names",
    "values_of",
]
