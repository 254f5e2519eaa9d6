"""Freshsales (Freshworks CRM): bundles, their records, fields, selectors, views, jobs, limits and webhooks."""
