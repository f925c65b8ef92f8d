"""Tags of admin's templates."""
