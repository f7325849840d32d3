"""Transport: how mass moves from one set of points to another, and what that costs."""

from likeness.transport.sinkhorn import Plan, plan, sinkhorn

__all__ = ["Plan", "plan", "sinkhorn"]
