-- What was published: a row a version, never changed. The primary key lets one of two publishers through.
CREATE TABLE sekisho.versions (
    name text NOT NULL CHECK (name ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    version bigint NOT NULL,
    based_on bigint,
    restores bigint,
    revision text NOT NULL CHECK (revision ~ '^[0-9a-f]{12}$'),
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    author text NOT NULL,
    reason text NOT NULL CHECK (length(btrim(reason)) BETWEEN 1 AND 2000),
    published_at timestamptz NOT NULL,
    model bytea NOT NULL,
    policy bytea NOT NULL,
    routes bytea,
    model_name text NOT NULL,
    policy_name text NOT NULL,
    tests_name text NOT NULL,
    test_names text[] NOT NULL,
    test_contents bytea[] NOT NULL,
    PRIMARY KEY (name, version),
    CHECK (version = coalesce(based_on, 0) + 1 AND (based_on IS NULL OR based_on >= 1)),
    CHECK (cardinality(test_names) = cardinality(test_contents)),
    FOREIGN KEY (name, based_on) REFERENCES sekisho.versions (name, version),
    FOREIGN KEY (name, restores) REFERENCES sekisho.versions (name, version)
);

-- The author is whoever signed in to the database, and the time is the database's, whatever a client writes.
CREATE FUNCTION sekisho.sign_version() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    NEW.author := session_user;
    NEW.published_at := clock_timestamp();
    RETURN NEW;
END
$$;

CREATE TRIGGER sign BEFORE INSERT ON sekisho.versions
    FOR EACH ROW EXECUTE FUNCTION sekisho.sign_version();

-- Sent by the commit itself: there is no moment between the two.
CREATE FUNCTION sekisho.tell_of_version() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    PERFORM pg_notify('sekisho', NEW.name || '@' || NEW.version);
    RETURN NULL;
END
$$;

CREATE TRIGGER tell AFTER INSERT ON sekisho.versions
    FOR EACH ROW EXECUTE FUNCTION sekisho.tell_of_version();

CREATE FUNCTION sekisho.refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'sekisho.% only grows: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation', HINT = 'publish another version';
END
$$;

CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON sekisho.versions
    FOR EACH STATEMENT EXECUTE FUNCTION sekisho.refuse_change();

-- Also for a session that says it is replicating.
ALTER TABLE sekisho.versions ENABLE ALWAYS TRIGGER only_grows;
ALTER TABLE sekisho.versions ENABLE ALWAYS TRIGGER sign;
