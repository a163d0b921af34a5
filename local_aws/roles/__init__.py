"""Identities and what their policies allow: who may do what here is what the template says."""

from local_aws.roles.roles import Credentials, Decision, Principal, Roles

__all__ = ["Credentials", "Decision", "Principal", "Roles"]
