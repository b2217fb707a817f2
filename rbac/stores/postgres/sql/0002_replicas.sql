-- What each replica runs, said by itself. Nothing depends on it, so it needs no write-ahead log.
CREATE UNLOGGED TABLE sekisho.replicas (
    name text NOT NULL,
    replica text NOT NULL CHECK (length(replica) <= 200),
    role text NOT NULL DEFAULT session_user,
    version bigint NOT NULL,
    revision text NOT NULL,
    trouble text NOT NULL CHECK (length(trouble) <= 2000),
    since timestamptz NOT NULL,
    reported_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (name, replica)
) WITH (fillfactor = 50);

-- Everybody who may read reads all of them; a role writes its own.
ALTER TABLE sekisho.replicas ENABLE ROW LEVEL SECURITY;
CREATE POLICY read_all ON sekisho.replicas FOR SELECT USING (true);
CREATE POLICY add_own ON sekisho.replicas FOR INSERT WITH CHECK (role = session_user);
CREATE POLICY change_own ON sekisho.replicas FOR UPDATE USING (role = session_user) WITH CHECK (role = session_user);
CREATE POLICY remove_own ON sekisho.replicas FOR DELETE USING (role = session_user);
