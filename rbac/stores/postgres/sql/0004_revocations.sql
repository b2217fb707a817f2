-- Who was sent away: a row a revocation, numbered without a gap in the order of their commits, never changed. `over` says
-- that no token lives any more that was issued at `before` or earlier: rows before it that say no more are done.
CREATE TABLE sekisho.revocations (
    name text NOT NULL CHECK (name ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    number bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('sub', 'session', 'client', 'everyone', 'over')),
    -- No stricter reader refuses what stands here: a row that nobody can read would keep all later ones from being read.
    value text NOT NULL CHECK (value ~ '^[!-~\u00a1-\u00ac\u00ae-\u024f\u3041-\u3096\u30a1-\u30fa\u4e00-\u9ffc]([ -~\u00a1-\u00ac\u00ae-\u024f\u3041-\u3096\u30a1-\u30fa\u4e00-\u9ffc]*[!-~\u00a1-\u00ac\u00ae-\u024f\u3041-\u3096\u30a1-\u30fa\u4e00-\u9ffc])?$'
        AND value !~ ',' AND length(value) <= 256),
    before bigint NOT NULL CHECK (before BETWEEN 0 AND 253402300799),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500 AND reason !~ '[\u0001-\u001f\u007f-\u009f\u2028\u2029]'
        AND reason !~ '^\s' AND reason !~ '\s$'),
    revoked_by text NOT NULL,
    revoked_at timestamptz NOT NULL,
    digest bytea NOT NULL,
    PRIMARY KEY (name, number),
    CHECK ((value = '*') = (kind IN ('everyone', 'over'))),
    CHECK (kind <> 'over' OR before < extract(epoch FROM revoked_at) - 86400)
);

-- One at a time: the next number, who it was, when, and a digest of the row and of all before it, whatever a client writes.
CREATE FUNCTION sekisho.sign_revocation() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    last record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('sekisho.revocations ' || NEW.name, 0));
    SELECT number, digest INTO last FROM sekisho.revocations WHERE name = NEW.name ORDER BY number DESC LIMIT 1;
    NEW.number := coalesce(last.number, 0) + 1;
    NEW.before := coalesce(NEW.before, floor(extract(epoch FROM clock_timestamp()))::bigint);
    NEW.revoked_by := session_user;
    NEW.revoked_at := clock_timestamp();
    NEW.digest := sha256(coalesce(last.digest, ''::bytea)
        || convert_to(concat_ws(E'\n', NEW.number, NEW.kind, NEW.value, NEW.before, NEW.revoked_by, NEW.reason), 'UTF8'));
    RETURN NEW;
END
$$;

CREATE TRIGGER sign BEFORE INSERT ON sekisho.revocations
    FOR EACH ROW EXECUTE FUNCTION sekisho.sign_revocation();

-- Sent by the commit itself, once for all rows of a command.
CREATE FUNCTION sekisho.tell_of_revocation() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    PERFORM pg_notify('sekisho', 'revocations');
    RETURN NULL;
END
$$;

CREATE TRIGGER tell AFTER INSERT ON sekisho.revocations
    FOR EACH STATEMENT EXECUTE FUNCTION sekisho.tell_of_revocation();

CREATE FUNCTION sekisho.refuse_pardon() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'sekisho.% only grows: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation', HINT = 'whoever was sent away signs in again';
END
$$;

CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON sekisho.revocations
    FOR EACH STATEMENT EXECUTE FUNCTION sekisho.refuse_pardon();

-- Also for a session that says it is replicating.
ALTER TABLE sekisho.revocations ENABLE ALWAYS TRIGGER only_grows;
ALTER TABLE sekisho.revocations ENABLE ALWAYS TRIGGER sign;
