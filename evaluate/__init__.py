"""Metrics, baselines, the export gate and reports."""
