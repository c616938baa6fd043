"""Findings and state as text, spreadsheets and pages, in Chinese and English."""
