"""A first spec of a service, made from what AWS's models, the action table and the ARN formats know; `draft` is where to start."""
