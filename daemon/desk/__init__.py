"""Beside a settlement call: rounds, treatments, attendance, registrations, figures."""
