-- The database of the first release, word by word. {blob}, {partition}: by engine.
CREATE TABLE alarm (
 device VARCHAR(64) NOT NULL,
 kind VARCHAR(32) NOT NULL,
 subject VARCHAR(128) NOT NULL,
 first_ms BIGINT NOT NULL,
 last_ms BIGINT NOT NULL,
 times INTEGER NOT NULL,
 PRIMARY KEY (device, kind, subject) );
CREATE TABLE center_meta (
 name VARCHAR(32) NOT NULL,
 value INTEGER,
 PRIMARY KEY (name) );
CREATE TABLE "conflict" (
 id VARCHAR(64) NOT NULL,
 hash {blob} NOT NULL,
 device VARCHAR(64) NOT NULL,
 seq BIGINT NOT NULL,
 body TEXT NOT NULL,
 received_ms BIGINT NOT NULL,
 PRIMARY KEY (id, hash, device) );
CREATE TABLE device_certificate (
 serial VARCHAR(40) NOT NULL,
 device VARCHAR(64) NOT NULL,
 institution VARCHAR(32) NOT NULL,
 key_sha256 VARCHAR(64) NOT NULL,
 issued_ms BIGINT NOT NULL,
 not_after_ms BIGINT NOT NULL,
 revoked_ms BIGINT,
 reason VARCHAR(32),
 pem TEXT NOT NULL,
 PRIMARY KEY (serial) );
CREATE INDEX device_certificate_device ON device_certificate (device);
CREATE TABLE document (
 kind VARCHAR(32) NOT NULL,
 name VARCHAR(64) NOT NULL,
 target VARCHAR(80) NOT NULL,
 version BIGINT NOT NULL,
 place BIGINT NOT NULL,
 envelope TEXT NOT NULL,
 published_ms BIGINT NOT NULL,
 PRIMARY KEY (kind, name, target) );
CREATE INDEX document_place ON document (place);
CREATE TABLE enrolment_code (
 sha256 VARCHAR(64) NOT NULL,
 device VARCHAR(64) NOT NULL,
 institution VARCHAR(32) NOT NULL,
 expires_ms BIGINT NOT NULL,
 used_ms BIGINT,
 serial VARCHAR(40),
 PRIMARY KEY (sha256) );
CREATE TABLE evidence (
 sha256 VARCHAR(64) NOT NULL,
 device VARCHAR(64) NOT NULL,
 size_bytes BIGINT NOT NULL,
 received_ms BIGINT NOT NULL,
 PRIMARY KEY (sha256, device) );
CREATE TABLE gap (
 device VARCHAR(64) NOT NULL,
 first BIGINT NOT NULL,
 last BIGINT NOT NULL,
 PRIMARY KEY (device, first) );
CREATE TABLE progress (
 device VARCHAR(64) NOT NULL,
 boot_id VARCHAR(64) NOT NULL,
 seen_ms BIGINT NOT NULL,
 offset_ms BIGINT NOT NULL,
 top BIGINT NOT NULL,
 tip_hash {blob} NOT NULL,
 head_seq BIGINT NOT NULL,
 head_hash {blob} NOT NULL,
 PRIMARY KEY (device) );
CREATE TABLE record (
 part INTEGER NOT NULL,
 id VARCHAR(64) NOT NULL,
 kind VARCHAR(64) NOT NULL,
 at_unix_ms BIGINT NOT NULL,
 day VARCHAR(10) NOT NULL,
 request_sha256 VARCHAR(64) NOT NULL,
 institution VARCHAR(256) NOT NULL,
 deal_no VARCHAR(256) NOT NULL,
 person VARCHAR(256) NOT NULL,
 code INTEGER NOT NULL,
 who INTEGER NOT NULL,
 cause VARCHAR(256) NOT NULL,
 rule VARCHAR(256) NOT NULL,
 certificate_no VARCHAR(256) NOT NULL,
 certificate TEXT NOT NULL,
 scores TEXT NOT NULL,
 models TEXT NOT NULL,
 thresholds TEXT NOT NULL,
 evidence_sha256 VARCHAR(64) NOT NULL,
 camera VARCHAR(1024) NOT NULL,
 consent VARCHAR(256) NOT NULL,
 consent_text VARCHAR(256) NOT NULL,
 findings TEXT NOT NULL,
 detail TEXT NOT NULL,
 sealed_request {blob} NOT NULL,
 demo BOOLEAN NOT NULL,
 device VARCHAR(64) NOT NULL,
 seq BIGINT NOT NULL,
 prev {blob} NOT NULL,
 hash {blob} NOT NULL,
 schema_no INTEGER NOT NULL,
 ext TEXT NOT NULL,
 chain VARCHAR(8) NOT NULL,
 boot_id VARCHAR(64) NOT NULL,
 received_ms BIGINT NOT NULL,
 offset_ms BIGINT NOT NULL,
 PRIMARY KEY (part, id) ){partition};
CREATE INDEX record_chain ON record (device, seq);
CREATE INDEX record_institution ON record (institution, at_unix_ms);
