"""IAM database authentication: a presigned request, made offline, that serves as a password.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html
"""

from delivery.environment import signer_for

VALID_SECONDS = 900


def authentication_token(host: str, port: int, user: str) -> str:
    """The password with which a database user signs in within the next 15 minutes."""
    address = f"{host}:{port}"
    query = signer_for("rds-db").presigned_query(
        "GET", address, "/", query={"Action": "connect", "DBUser": user}, expires=VALID_SECONDS
    )
    return f"{address}/?{query}"
