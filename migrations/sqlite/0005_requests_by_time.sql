-- A request for an exception is looked for among those of the last day when its agent has had another since.
CREATE INDEX journal_requests ON journal (tenant, at) WHERE kind = 'request.created';
