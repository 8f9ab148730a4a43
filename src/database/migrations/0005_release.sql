-- Up Migration
-- Which schema a node works with, by its last migration; null for a node of a release that did not say. With `release` it
-- shows nodes that drift apart.
alter table node add column schema text;

-- Down Migration
alter table node drop column schema;
