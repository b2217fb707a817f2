"""The record of an answer: made, written, read back, asked again.

``ruling`` is what was decided, ``record`` what is kept of it and the line that it becomes; ``buffer`` takes records off
the request's path, ``writer`` makes lines of them, ``sinks`` are where lines go. Then ``lines`` (one decision, one line),
``ask_again`` and ``replay`` (what would come out otherwise), ``needed_links`` and ``unused`` (rules that no recorded
decision needed).
"""
