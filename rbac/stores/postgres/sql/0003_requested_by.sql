-- For whom a program published: the caller whom it had verified, as it says. Only a role that is granted this column
-- says so; for everybody else it stays empty, and the author is who published.
ALTER TABLE sekisho.versions ADD COLUMN requested_by text NOT NULL DEFAULT '' CHECK (length(requested_by) <= 500);
