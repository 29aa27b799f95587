"""Who may do what: roles, the file that gives them, and the log of what was done."""

from irs_core.people.roles import OPERATOR, VISITOR, Action, Person, Role, refusal

__all__ = ["OPERATOR", "VISITOR", "Action", "Person", "Role", "refusal"]
