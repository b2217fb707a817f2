"""A long run of mixed traffic at a real service while its surroundings change: ``python -m tests.support.soak --minutes 30``.

``ledger`` knows what each answer may be, ``traffic`` asks and judges, ``changes`` edits, breaks, revokes and rotates,
``streams`` follows the console's events, ``readings`` weighs the workers, ``run`` puts them together.
"""
