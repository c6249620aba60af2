// The types of protocol v1 of Intervalo, written by `just contract`.
/** The use of an invitation. */
export interface AcceptanceBody {
  /** What the link holds after its `#`. */
  invitation: string;
  /** The password from here on. */
  password: string;
}
/** A password has been chosen. */
export interface Accepted {
  /** The company. */
  tenant: string;
  /** The name to type in. */
  login: string;
}
/** An account as it is sent. */
export interface AccountObject {
  /** Its id. */
  id: string;
  /** The name that is typed in. */
  login: string;
  /** Who. */
  subject: string;
  /** What they are to the tenant. */
  roles: Array<"agent" | "admin" | "supervisor" | "integration" | "auditor" | "operator">;
  /** The teams that a supervisor is over. */
  teams?: Array<string>;
  /** True once a password has been chosen. */
  has_password: boolean;
  /** When it was made. */
  made_at: Instant;
  /** When somebody ended it. */
  ended_at?: Instant;
}
/** Accounts, in the order in which they were made. */
export interface AccountPage {
  /** The accounts. */
  accounts: Array<AccountObject>;
  /** Where to go on, where there are more. */
  next_cursor?: string;
}
/** Who has seen an alert: kind and id. */
export interface AckBy {
  /** `supervisor` or `admin`. */
  kind: "agent" | "supervisor" | "admin" | "integration" | "system";
  /** Their id. */
  id?: string;
}
/** Who has seen an alert. */
export interface AckState {
  /** Who. */
  by: AckBy;
  /** When. */
  at: Instant;
}
/** Who did it. */
export interface ActorState {
  /** `agent`, `supervisor`, `admin`, `integration` or `system`. */
  kind: "agent" | "supervisor" | "admin" | "integration" | "system";
  /** Their id; the system has none. */
  id?: string;
}
/** The result of `pause.end` and of the live actions. */
export interface AgentAfter {
  /** The agent after it. */
  agent: AgentState;
}
/** The params of `agent.changed`: the state, and why somebody else changed it. */
export interface AgentChanged {
  /** The agent's id. */
  agent: string;
  /** What people call them. */
  name: string;
  /** Their teams, the primary one first. */
  teams: Array<string>;
  /** Their IANA zone. */
  zone: string;
  /** The number of the last event that the viewer can tell of. */
  version: number;
  /** What a dashboard shows first. */
  presence: "offline" | "paused" | "unavailable" | "wrap_up" | "busy" | "available";
  /** Since when the presence holds. */
  presence_since: Instant;
  /** What was chosen. */
  status: "offline" | "available" | "unavailable" | "paused";
  /** Since when the status holds. */
  since: Instant;
  /** Is a socket open. */
  connection: "connected" | "grace" | "disconnected";
  /** May work be routed to the agent. */
  routable: boolean;
  /** Why not. */
  routable_reason?: "offline" | "disconnected" | "paused" | "pending" | "unavailable" | "wrap_up" | "at_capacity" | "occupancy_unknown" | "not_in_team" | "channel_disabled";
  /** Open conversations by channel, as far as they are known. */
  occupancy: Record<string, number>;
  /** True during after-conversation work. */
  wrap_up: boolean;
  /** Who chose the status. */
  actor: ActorState;
  /** Why. */
  cause: "abandoned" | "admin" | "agent" | "changed_type" | "clock" | "connection_lost" | "deactivated" | "integration" | "limit" | "occupancy" | "queue" | "resumed" | "server_started" | "session" | "sign_in" | "sign_out" | "supervisor" | "tenant_closed";
  /** The running pause. */
  pause?: PauseState;
  /** What waits. */
  pending?: PendingState;
  /** The last request for an exception. */
  request?: RequestState;
  /** The line that the agent stands in. */
  queue?: QueueState;
  /** The slot that is kept for the agent, who alone sees it. */
  offer?: OfferState;
  /** What a supervisor wrote. */
  reason?: string;
}
/** The parameters of `agent.end_pause`. */
export interface AgentEndPauseParams {
  /** For whom. */
  agent: GivenId;
  /** Why; the agent is shown it. */
  reason: Text;
  /** An integration says that it acts on the agent's behalf. */
  on_behalf?: boolean;
  /** What follows; as before the pause, if nothing is said. */
  then?: "available" | "unavailable";
  /** Ends an entitlement under its minimum. */
  override?: boolean;
  /** The same again is the same effect. */
  op?: Op;
  /** Refuse unless the agent's version is this one. */
  expected_version?: number;
}
/** What one agent is owed. */
export interface AgentOwed {
  /** Who. */
  agent: string;
  /** What people call them. */
  name: string;
  /** Their teams. */
  teams: Array<string>;
  /** By rule. */
  owed: Array<TypeOwed>;
}
/** People of the directory, by id. */
export interface AgentPage {
  /** The people. */
  agents: Array<PersonObject>;
  /** Where to go on, where there are more. */
  next_cursor?: string;
}
/** The parameters of `agent.set_status`. */
export interface AgentSetStatusParams {
  /** For whom. */
  agent: GivenId;
  /** Why; the agent is shown it. */
  reason: Text;
  /** An integration says that it acts on the agent's behalf. */
  on_behalf?: boolean;
  /** What is chosen for the agent. */
  status: "offline" | "available" | "unavailable";
  /** The same again is the same effect. */
  op?: Op;
  /** Refuse unless the agent's version is this one. */
  expected_version?: number;
}
/** The parameters of `agent.sign_out`. */
export interface AgentSignOutParams {
  /** For whom. */
  agent: GivenId;
  /** Why; the agent is shown it. */
  reason: Text;
  /** An integration says that it acts on the agent's behalf. */
  on_behalf?: boolean;
  /** What becomes of a running entitlement: it goes on, if nothing is said. */
  pause?: "keep" | "end";
  /** The same again is the same effect. */
  op?: Op;
  /** Refuse unless the agent's version is this one. */
  expected_version?: number;
}
/** The parameters of `agent.start_pause`. */
export interface AgentStartPauseParams {
  /** For whom. */
  agent: GivenId;
  /** Why; the agent is shown it. */
  reason: Text;
  /** An integration says that it acts on the agent's behalf. */
  on_behalf?: boolean;
  /** The code of the type. */
  type: GivenId;
  /** Sets the rules from `outside_window` on aside, on record. */
  override?: boolean;
  /** The same again is the same effect. */
  op?: Op;
  /** Refuse unless the agent's version is this one. */
  expected_version?: number;
}
/** One agent as the protocol writes it; absent optional fields are left out. */
export interface AgentState {
  /** The agent's id. */
  agent: string;
  /** What people call them. */
  name: string;
  /** Their teams, the primary one first. */
  teams: Array<string>;
  /** Their IANA zone. */
  zone: string;
  /** The number of the last event that the viewer can tell of. */
  version: number;
  /** What a dashboard shows first. */
  presence: "offline" | "paused" | "unavailable" | "wrap_up" | "busy" | "available";
  /** Since when the presence holds. */
  presence_since: Instant;
  /** What was chosen. */
  status: "offline" | "available" | "unavailable" | "paused";
  /** Since when the status holds. */
  since: Instant;
  /** Is a socket open. */
  connection: "connected" | "grace" | "disconnected";
  /** May work be routed to the agent. */
  routable: boolean;
  /** Why not. */
  routable_reason?: "offline" | "disconnected" | "paused" | "pending" | "unavailable" | "wrap_up" | "at_capacity" | "occupancy_unknown" | "not_in_team" | "channel_disabled";
  /** Open conversations by channel, as far as they are known. */
  occupancy: Record<string, number>;
  /** True during after-conversation work. */
  wrap_up: boolean;
  /** Who chose the status. */
  actor: ActorState;
  /** Why. */
  cause: "abandoned" | "admin" | "agent" | "changed_type" | "clock" | "connection_lost" | "deactivated" | "integration" | "limit" | "occupancy" | "queue" | "resumed" | "server_started" | "session" | "sign_in" | "sign_out" | "supervisor" | "tenant_closed";
  /** The running pause. */
  pause?: PauseState;
  /** What waits. */
  pending?: PendingState;
  /** The last request for an exception. */
  request?: RequestState;
  /** The line that the agent stands in. */
  queue?: QueueState;
  /** The slot that is kept for the agent, who alone sees it. */
  offer?: OfferState;
}
/** Something that a supervisor should look at. */
export interface Alert {
  /** The same for as long as it lasts, on every board. */
  id: string;
  /** What kind: `overrun`, `work_during_pause`, `request`, `at_risk`. */
  kind: "overrun" | "work_during_pause" | "request" | "at_risk";
  /** Whose. */
  agent: string;
  /** The team that it counts for. */
  team?: string;
  /** Since when. */
  since: Instant;
  /** What belongs to this kind. */
  params: AlertParams;
  /** Who has seen it. */
  ack?: AckState;
}
/** The parameters of `alert.ack`. */
export interface AlertAckParams {
  /** The alert. */
  alert: AlertId;
  /** The same again is the same effect. */
  op?: Op;
  /** Refuse unless the agent's version is this one. */
  expected_version?: number;
}
/** The id of an alert: its kind, and what it is about. */
export type AlertId = string;
/** What belongs to an alert. */
export type AlertParams = PauseParams | RequestParams | AtRiskParams;
/** What somebody added. */
export interface Annotation {
  /** Who. */
  by: ActorState;
  /** When. */
  at: Instant;
  /** What; absent where it was erased. */
  text?: string;
}
/** Somebody has to agree. */
export interface ApprovalObject {
  /** For how many seconds it is waited for. */
  timeout_s?: number;
  /** What becomes of it then. */
  then?: "refuse" | "grant";
}
/** What belongs to an alert about an entitlement. */
export interface AtRiskParams {
  /** The rule by which it is owed. */
  rule: string;
  /** The type of pause. */
  type: string;
  /** How many are still owed. */
  owed: number;
  /** When the next one has to begin. */
  latest_start_at: Instant;
  /** True where nobody has said how long the shift is. */
  estimated: boolean;
}
/** A page of the journal. */
export interface AuditPage {
  /** The events, by their numbers. */
  events: Array<EventObject>;
  /** Where to go on. */
  next_cursor?: string;
}
/** Nothing has changed. */
export interface BeatFrame {
  /** Always `beat`. */
  kind: "beat";
  /** The tenant's number that it holds up to. */
  to: number;
  /** Where to go on. */
  cursor: string;
}
/** The params of `board.changed`. */
export interface BoardChanged {
  /** Which board. */
  subscription: string;
  /** The next frame. */
  result: BoardFrame;
}
/** A frame of a board, by its `kind`. */
export type BoardFrame = SnapshotFrame | ChangesFrame | BeatFrame | StaleFrame;
/** The parameters of `board.subscribe`. */
export interface BoardSubscribeParams {
  /** Which teams. */
  teams: "all" | Array<GivenId>;
  /** Where a board of before left off. */
  cursor?: string;
}
/** The parameters of `board.unsubscribe`; by position, too. */
export interface BoardUnsubscribeParams {
  /** Which board. */
  subscription: string;
}
/** How many of a team may be away at once: a number, a part of it, or all but some. */
export type CapObject = number | {
  percent: number;
} | {
  keep_available: number;
};
/** How many conversations at once by the code of the channel. */
export type Capacity = Record<string, number>;
/** What becomes of one record. */
export interface ChangeObject {
  /** `tenant`, `channel`, `team` or `agent`. */
  kind: string;
  /** Its id or code. */
  id: string;
  /** `added`, `changed` or `removed`. */
  what: string;
  /** As it was. */
  before?: RecordObject;
  /** As it is then. */
  after?: RecordObject;
}
/** What changed. */
export interface ChangesFrame {
  /** Always `changes`. */
  kind: "changes";
  /** Your last `to`. */
  from: number;
  /** The tenant's number that it holds up to. */
  to: number;
  /** Where to go on. */
  cursor: string;
  /** Whole rows; the latest wins. */
  agents: Array<AgentState>;
  /** Ids that are not on the board any more. */
  removed: Array<string>;
  /** How many agents of each team are in each presence, when that changed. */
  counts?: Record<string, PresenceCounts>;
  /** Every alert, when one changed. */
  alerts?: Array<Alert>;
  /** Every open request, when one changed. */
  requests?: Array<RequestObject>;
}
/** A channel, by its code in the address. */
export interface ChannelBody {
  /** The same as in the address. */
  code?: GivenId;
  /** What people call it. */
  name: Text;
  /** False: nobody is routable on it. */
  enabled?: boolean;
  /** True when open work on it defers a pause. */
  blocks_pause?: boolean;
  /** How many conversations at once. */
  capacity?: number;
}
/** A channel as it is sent. */
export interface ChannelObject {
  /** Its code. */
  code: string;
  /** What people call it. */
  name: string;
  /** False: nobody is routable on it. */
  enabled: boolean;
  /** True when open work on it defers a pause. */
  blocks_pause: boolean;
  /** How many conversations at once, where an agent has no number of their own. */
  capacity: number;
}
/** Open conversations by the code of the channel. */
export type Channels = Record<string, number>;
/** A page of channels. */
export interface ChannelsPage {
  /** The channels, by code. */
  channels: Array<ChannelObject>;
  /** Where to go on. */
  next_cursor?: string;
}
/** What a client calls itself. */
export interface ClientShape {
  /** Its name. */
  name: string;
  /** Its version. */
  version: string;
}
/** Who corrected the end, and what it was before. */
export interface Correction {
  /** Who. */
  by: ActorState;
  /** When. */
  at: Instant;
  /** Why. */
  reason?: string;
  /** The end that was recorded first. */
  ended_at_before: Instant;
}
/** What somebody came in with. */
export interface CredentialShown {
  /** Of which kind it is. */
  kind: "token" | "key" | "login";
  /** When it ends by itself. */
  expires_at: Instant;
}
/** A local day, 2026-11-22. */
export type Day = string;
/** Days of the week: a text such as `mon-fri`, or a list. */
export type DaysObject = string | Array<"mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun">;
/** A directory without those who left. */
export interface DirectoryObject {
  /** Its version, which is its `ETag` too. */
  version: number;
  /** The tenant's own settings. */
  tenant: TenantObject;
  /** Channels, by code. */
  channels: Array<ChannelObject>;
  /** Teams, by id. */
  teams: Array<TeamObject>;
  /** People, by id. */
  agents: Array<PersonObject>;
}
/** Nothing more than that it is done. */
export type Done = Record<string, unknown>;
/** The draft of a policy: all of it. */
export interface DraftBody {
  /** The types; one that is left out is archived. */
  types: Array<PauseTypeObject>;
  /** What the employer owes; as in force, if nothing is said. */
  entitlement_rules?: Array<EntitlementRuleObject>;
  /** The version that it was written on top of. */
  base_version: number;
  /** What is written to it. */
  note?: Text;
}
/** A draft in short. */
export interface DraftHead {
  /** The version that it was written on top of. */
  base_version: number;
  /** When it was written. */
  at: Instant;
  /** Who wrote it. */
  by: ActorState;
  /** What was written to it. */
  note?: string;
}
/** Which days the draft is tried on. */
export interface DryRunBody {
  /** The first day; not beside `days`. */
  from?: Day;
  /** The last day; today, if nothing is said. */
  to?: Day;
  /** How many days up to the last one; 7, if nothing is said. */
  days?: number;
}
/** How many of one kind. */
export interface DryRunCount {
  /** The code of the rule. */
  code?: string;
  /** The code of the type. */
  type?: string;
  /** The team; absent of who has none. */
  team?: string;
  /** The local hour, 0 to 23. */
  hour?: number;
  /** How many. */
  count: number;
}
/** The result of `policy.dry_run`. */
export interface DryRunReport {
  /** The version in force. */
  version: number;
  /** The draft that was held against the record. */
  draft: DraftHead;
  /** The first day. */
  from: Day;
  /** The last day. */
  to: Day;
  /** How many starts were looked at. */
  starts: number;
  /** How many refusals were looked at. */
  refusals: number;
  /** Pauses that would not have begun. */
  refused: DryRunTally;
  /** Pauses that would have waited in line. */
  queued: DryRunTally;
  /** Pauses that would have waited for the end of work. */
  pending: DryRunTally;
  /** Pauses that somebody would have had to agree to. */
  requested: DryRunTally;
  /** Those of `refused` that are entitlements. */
  entitlements_lost: DryRunTally;
  /** Refused starts that would not have been. */
  let_through: DryRunTally;
  /** Of how many nothing is said. */
  unclear: number;
}
/** How many, and of which. */
export interface DryRunTally {
  /** In all. */
  total: number;
  /** By the code of the rule. */
  by_code: Array<DryRunCount>;
  /** By the type of pause. */
  by_type: Array<DryRunCount>;
  /** By the team. */
  by_team: Array<DryRunCount>;
  /** By the local hour. */
  by_hour: Array<DryRunCount>;
  /** By all of them at once, the 200 most frequent first. */
  rows: Array<DryRunCount>;
  /** How many rows are left out. */
  rows_left_out?: number;
}
/** What the employer owes. */
export interface EntitlementRuleObject {
  /** Its id. */
  id: GivenId;
  /** The code of the type that it is a rule of. */
  type: GivenId;
  /** It is owed in shifts that are planned longer than so many seconds. */
  planned_shift_over_s?: number;
  /** It is owed in shifts that are planned no longer than so many seconds. */
  planned_shift_up_to_s?: number;
  /** How many are owed; one, if nothing is said. */
  count?: number;
  /** The shortest time that counts, in seconds. */
  min_s: number;
  /** Where in the shift. */
  window?: EntitlementWindowObject;
}
/** What the employer owes of a type in a shift. */
export interface EntitlementState {
  /** The rule by which it is owed. */
  rule: string;
  /** How many in the shift. */
  count: number;
  /** How many were taken in full, in the time for it. */
  satisfied: number;
  /** How many are still owed; one that is being taken is not among them. */
  owed: number;
  /** When the next one has to begin. */
  latest_start_at?: Instant;
  /** It is about to lapse. */
  at_risk: boolean;
  /** True where nobody has said how long the shift is. */
  estimated: boolean;
}
/** Where in a shift an entitlement has to be. */
export interface EntitlementWindowObject {
  /** Not for so many seconds from its start. */
  after_start_s?: number;
  /** Not for so many seconds up to its end. */
  before_end_s?: number;
}
/** A page of what is owed. */
export interface EntitlementsPage {
  /** By agent. */
  entitlements: Array<AgentOwed>;
  /** Where to go on. */
  next_cursor?: string;
}
/** An error as it is sent. */
export interface Error {
  /** The JSON-RPC number. */
  code: number;
  /** One plain English sentence. */
  message: string;
  /** What programs act on. */
  data: ErrorData;
}
/** What programs act on. */
export interface ErrorData {
  /** The stable code. */
  code: string;
  /** What belongs to the code. */
  params: Record<string, unknown>;
  /** When it is worth asking again, if nothing else happens. */
  next_change_at?: Instant;
}
/** One event; absent optional fields are left out. */
export interface EventObject {
  /** Its number within the tenant. */
  seq: number;
  /** When it was decided. */
  at: Instant;
  /** The name of its kind. */
  kind: "access.cut" | "access.refused" | "account.ended" | "account.invited" | "account.made" | "account.password_set" | "agent.connected" | "agent.connection_lost" | "agent.deactivated" | "agent.grace" | "agent.resumed" | "agent.signed_in" | "agent.signed_out" | "agent.status_changed" | "alert.acknowledged" | "clock.stepped" | "data.exported" | "directory.changed" | "entitlement.at_risk" | "finding.recorded" | "grant.used" | "history.read" | "key.ended" | "key.made" | "key.used" | "login.began" | "login.ended" | "occupancy.changed" | "pause.annotated" | "pause.corrected" | "pause.ended" | "pause.escalated" | "pause.extended" | "pause.left_queue" | "pause.limit_reached" | "pause.offer_expired" | "pause.offered" | "pause.overran" | "pause.pending" | "pause.pending_cancelled" | "pause.queued" | "pause.refused" | "pause.started" | "pause.warned" | "policy.drafted" | "policy.published" | "policy.scheduled" | "policy.withdrawn" | "request.cancelled" | "request.created" | "request.decided" | "request.expired" | "server.started" | "shift.cancelled" | "shift.planned" | "tenant.closed" | "tenant.reopened";
  /** Whose; absent on a tenant's event. */
  agent?: string;
  /** Its number within the agent. */
  agent_seq?: number;
  /** When it was due, for what a deadline brought about. */
  due_at?: Instant;
  /** Who brought it about. */
  actor: ActorState;
  /** Why. */
  cause: string;
  /** What a person wrote to it; absent where it was erased. */
  reason?: string;
  /** The policy that it was decided under. */
  policy_version?: number;
  /** The `op` of the command. */
  op?: string;
  /** What belongs to its kind. */
  data: Record<string, unknown>;
}
/** What is different in a field. */
export interface FieldDifference {
  /** Its name. */
  field: string;
  /** What it is. */
  before?: unknown;
  /** What it will be. */
  after?: unknown;
}
/** An id of the host application: printable, without blanks at the ends. */
export type GivenId = string;
/** What was granted for a type, in the menu. */
export interface GrantState {
  /** The request that it comes of. */
  id: string;
  /** Until when it can be used. */
  until: Instant;
  /** How often it can still be used. */
  uses: number;
  /** By how much the limit is later. */
  extra_ms?: number;
  /** The codes of the rules that it sets aside. */
  waives: Array<string>;
}
/** The process answers. */
export interface Health {
  /** Always true. */
  ok: boolean;
}
/** What an import did, or would do. */
export interface ImportObject {
  /** True where nothing was written. */
  dry_run: boolean;
  /** The version in force. */
  version: number;
  /** How many records are new. */
  added: number;
  /** How many are otherwise than before. */
  changed: number;
  /** How many go. */
  removed: number;
  /** How many of the file are there just so; left out where the import is one that was made before. */
  unchanged?: number;
  /** Which characters the file was read as; for CSV. */
  encoding?: string;
  /** What is between its cells; for CSV. */
  separator?: string;
  /** The changes, as many as are told. */
  changes: Array<ChangeObject>;
  /** How many more there are. */
  more: number;
  /** What is worth knowing, and stands in nobody's way. */
  notes: Array<LineObject>;
}
/** An instant: RFC 3339, UTC, milliseconds. */
export type Instant = string;
/** An invitation that is wished for. */
export interface InvitationBody {
  /** The name that will be typed in. */
  login: GivenId;
  /** Who the account speaks for; the login, if nothing is said. */
  subject?: GivenId;
  /** What the account is to the tenant. */
  roles: Array<"agent" | "admin" | "supervisor" | "auditor">;
  /** The teams that a supervisor is over. */
  teams?: Array<GivenId>;
}
/** An invitation, as it is sent once, to whoever made it. */
export interface InvitationObject {
  /** Its id. */
  id: string;
  /** The account's id. */
  account: string;
  /** The name that will be typed in. */
  login: string;
  /** What lets the person choose a password, once. */
  invitation: string;
  /** The address of the page for it, from the server's own on. What stands after the `#` is never sent to a server. */
  link: string;
  /** When it ends by itself. */
  expires_at: Instant;
}
/** Invitations that are wished for. */
export interface InvitationsBody {
  /** Each login once. */
  invitations: Array<InvitationBody>;
  /** For how many seconds they hold; a week, if nothing is said. */
  ttl_s?: number;
}
/** Invitations that were made. */
export interface InvitationsMade {
  /** One for each person, in the order of the request. */
  invitations: Array<InvitationObject>;
}
/** What is wrong with one of many. */
export interface ItemError {
  /** Its place in the list, counted from 0. */
  index: number;
  /** One plain English sentence. */
  message: string;
  /** The stable code. */
  code: string;
  /** What belongs to the code. */
  params: Record<string, unknown>;
  /** When it is worth asking again, if nothing else happens. */
  next_change_at?: Instant;
}
/** A key that is wished for. */
export interface KeyBody {
  /** What people call it. */
  name: Text;
  /** Who it speaks for; the name, if nothing is said. */
  subject?: GivenId;
  /** What it is to the tenant. */
  roles: Array<"admin" | "supervisor" | "integration" | "auditor">;
  /** The teams that a supervisor is over. */
  teams?: Array<GivenId>;
  /** For how many seconds it holds; a year, if nothing is said. */
  ttl_s?: number;
}
/** A key as it is sent; its secret only in the answer to the request that made it. */
export interface KeyObject {
  /** Its id. */
  id: string;
  /** What people call it. */
  name: string;
  /** Who. */
  subject: string;
  /** What they are to the tenant. */
  roles: Array<"agent" | "admin" | "supervisor" | "integration" | "auditor" | "operator">;
  /** The teams that a supervisor is over. */
  teams?: Array<string>;
  /** When it was made. */
  made_at: Instant;
  /** When it ends by itself. */
  expires_at: Instant;
  /** When somebody ended it. */
  ended_at?: Instant;
  /** When it was first used on the last day (UTC) that it was. */
  used_at?: Instant;
  /** The secret. */
  key?: string;
}
/** Keys, in the order in which they were made. */
export interface KeyPage {
  /** The keys. */
  keys: Array<KeyObject>;
  /** Where to go on, where there are more. */
  next_cursor?: string;
}
/** The limits that a client should know. */
export interface LimitsShown {
  /** The largest message, in bytes. */
  message_bytes: number;
  /** The most requests in a batch. */
  batch: number;
  /** The deepest nesting. */
  depth: number;
  /** Requests a second, in the long run. */
  requests_per_s: number;
  /** Requests at once. */
  burst: number;
  /** Boards on one socket. */
  boards: number;
}
/** What is said of a line of a file. */
export interface LineObject {
  /** The line, counted from 1. */
  line: number;
  /** What is said. */
  message: string;
}
/** A login has begun; the cookie is in the header. */
export interface LoggedIn {
  /** When it ends by itself. */
  expires_at: Instant;
  /** Who it speaks for. */
  principal: PrincipalShown;
}
/** What somebody types in to log in. */
export interface LoginBody {
  /** Their company. */
  tenant: string;
  /** Their name. */
  login: string;
  /** The password. */
  password: string;
  /** The password from here on. */
  new_password?: string;
}
/** A text that a person wrote: printable, not blank. */
export type LongText = string;
/** An id that the server gave, for example of a pause. */
export type MadeId = string;
/** Who a credential speaks for. */
export interface Me {
  /** Who. */
  principal: PrincipalShown;
  /** With what, and for how long. */
  credential: CredentialShown;
  /** The server's time. */
  server_time: Instant;
}
/** The parameters of `rpc.on` and `rpc.off`; by position, too. */
export interface NamesParams {
  /** Names of notifications. */
  names: Array<string>;
}
/** None. */
export type NoParams = Record<string, never>;
export type None = "none";
/** Why a report was not taken. */
export interface NotTaken {
  /** The code of the error. */
  code: string;
  /** A sentence. */
  detail: string;
}
/** The parameters of `occupancy.set`. */
export interface OccupancySetParams {
  /** Whose. */
  agent: GivenId;
  /** The integration that says so. */
  source: GivenId;
  /** The source's own number, rising. */
  seq: number;
  /** For how many seconds it holds; 120, if nothing is said. */
  ttl_s?: number;
  /** Open conversations by channel; one that is left out has none. */
  channels?: Channels;
  /** True during after-conversation work. */
  wrap_up?: boolean;
  /** Refuse unless the agent's version is this one. */
  expected_version?: number;
}
/** A slot that is kept for a while. */
export interface OfferState {
  /** Its id. */
  id: string;
  /** The code of the type. */
  type: string;
  /** When it expires; absent while its clock rests. */
  expires_at?: Instant;
}
/** The same op with the same content has one effect and the first outcome, for 24 hours. */
export type Op = string;
/** One line of the menu. */
export interface OptionState {
  /** The code. */
  type: string;
  /** `regular`, `entitlement` or `protected`. */
  class: "regular" | "entitlement" | "protected";
  /** What people call it, by locale. */
  name: Record<string, string>;
  /** What it is for, by locale. */
  description: Record<string, string>;
  /** The name of an icon. */
  icon?: string;
  /** A colour, `#rrggbb`. */
  color?: string;
  /** The longest time. */
  limit_ms?: number;
  /** The shortest time. */
  min_ms?: number;
  /** How often it was taken in the shift, the running one counted; with `of`. */
  used?: number;
  /** How often it may be taken in a shift. */
  of?: number;
  /** For how long it was taken in the shift; with `of_ms`. */
  used_ms?: number;
  /** For how long it may be taken in a shift. */
  of_ms?: number;
  /** What was granted for it. */
  grant?: GrantState;
  /** What the employer owes of it in the shift of now. */
  entitlement?: EntitlementState;
  /** When it may be started, in the agent's zone; empty: always. */
  windows: Array<WindowState>;
  /** What choosing it would lead to. */
  verdict: VerdictState;
}
/** Other rules of a type for a team or for an agent. */
export interface OverrideObject {
  /** For whom: a team, or else `agent`. */
  team?: GivenId;
  /** For whom: an agent, or else `team`. */
  agent?: GivenId;
  /** The first day. */
  from?: Day;
  /** The last day. */
  until?: Day;
  /** Why. */
  reason: string;
  /** The time on it is paid. */
  paid?: boolean;
  /** The time on it counts as work. */
  counts_as_work?: boolean;
  /** The shortest time, in seconds. */
  min_duration_s?: number | None;
  /** What an end under the shortest time does. */
  on_early_end?: "record" | "hold";
  /** Under how many seconds a pause counts as a slip and uses nothing up. */
  refund_under_s?: number;
  /** The longest time, in seconds. */
  limit_s?: number | None;
  /** How many seconds before the limit the agent is warned. */
  warn_before_s?: Array<number>;
  /** How many seconds over the limit are overlooked. */
  grace_s?: number;
  /** What the limit does. */
  on_limit?: "mark" | "end_unavailable" | "end_available" | "sign_out";
  /** After how many seconds over the limit it is told again. */
  escalate_after_s?: Array<number>;
  /** When it may be started, in the agent's zone; empty: always. */
  windows?: Array<WindowObject>;
  /** How many seconds before a window the line for it opens. */
  queue_opens_before_s?: number;
  /** For how many seconds from the start of the shift it may not be started. */
  not_in_first_s?: number;
  /** For how many seconds up to the end of the shift it may not be started. */
  not_in_last_s?: number;
  /** How often it may be taken in a shift. */
  quota_count?: number | None;
  /** For how many seconds it may be taken in a shift. */
  quota_time_s?: number | None;
  /** How many seconds after the last one of the type the next may start. */
  cooldown_s?: number;
  /** How many seconds after the last one of any type it may start. */
  cooldown_any_s?: number;
  /** How many of a team may be on it at once. */
  cap?: Record<string, CapObject>;
  /** What a start leads to while there is no slot. */
  when_full?: "refuse" | "queue";
  /** Somebody has to agree to each pause. */
  approval?: ApprovalObject | None;
  /** What a start leads to while work is open. */
  when_occupied?: "defer" | "immediate" | "refuse";
  /** Who starts it. */
  startable_by?: "agent" | "supervisor" | "both";
}
/** One pause in JSON; absent optional fields are left out. */
export interface Pause {
  /** Its id. */
  id: string;
  /** Whose. */
  agent: string;
  /** What the agent was called. */
  name: string;
  /** The code of its type. */
  type: string;
  /** `regular` or `entitlement`. */
  class: "regular" | "entitlement";
  /** The team that it counted for. */
  team?: string;
  /** When it began. */
  started_at: Instant;
  /** When it ended; absent while it runs. */
  ended_at?: Instant;
  /** How long it was. */
  duration_ms?: number;
  /** Why it ended. */
  ended_by?: "abandoned" | "admin" | "agent" | "changed_type" | "clock" | "connection_lost" | "deactivated" | "integration" | "limit" | "occupancy" | "queue" | "resumed" | "server_started" | "session" | "sign_in" | "sign_out" | "supervisor" | "tenant_closed";
  /** The longest time that it had. */
  limit_ms?: number;
  /** By how much the limit was moved out. */
  extended_ms: number;
  /** It was over the limit and the grace. */
  overrun: boolean;
  /** Since when. */
  overran_at?: Instant;
  /** It was shorter than its shortest time. */
  short: boolean;
  /** It was so short that it used nothing up. */
  misclick: boolean;
  /** Its end is an estimate. */
  estimated: boolean;
  /** The last sign of life before an estimated end. */
  last_seen_at?: Instant;
  /** The time on it is paid. */
  paid: boolean;
  /** The time on it counts as work. */
  counts_as_work: boolean;
  /** The IANA zone that its days are of. */
  zone: string;
  /** The offset of that zone at its start. */
  utc_offset_s: number;
  /** The local day of its start. */
  local_day: string;
  /** The business day of its start. */
  business_day: string;
  /** When the shift began that it was taken in. */
  shift_started_at?: Instant;
  /** Nobody had said when the shift began. */
  shift_estimated: boolean;
  /** The version of the policy that it began under. */
  policy_version: number;
  /** The pause that it took the place of. */
  replaces?: string;
  /** The pause that took its place. */
  replaced_by?: string;
  /** What the agent wrote. */
  note?: string;
  /** The last correction of its end. */
  corrected?: Correction;
  /** What was added to its record. */
  annotations?: Array<Annotation>;
}
/** The parameters of `pause.accept`. */
export interface PauseAcceptParams {
  /** The offer. */
  offer: MadeId;
  /** The same again is the same effect. */
  op?: Op;
  /** Refuse unless the agent's version is this one. */
  expected_version?: number;
}
/** The result of `pause.correct`. */
export interface PauseAfter {
  /** The pause as the history shows it. */
  pause: Pause;
}
/** The parameters of `pause.annotate`. */
export interface PauseAnnotateParams {
  /** The pause. */
  pause: MadeId;
  /** What is added. */
  text: LongText;
  /** The same again is the same effect. */
  op?: Op;
}
/** The parameters of `pause.annotated`. */
export interface PauseAnnotatedTold {
  /** The pause. */
  pause: string;
  /** When it was added. */
  at: Instant;
  /** Who added it. */
  actor: ActorState;
  /** What. */
  text?: string;
}
/** The result of `pause.start`. */
export interface PauseBegun {
  /** `started`, `queued` (a place in line), `pending` (it begins when the open work ends) or `requested` (a supervisor has to agree). */
  outcome: "started" | "queued" | "pending" | "requested";
  /** The agent after it. */
  agent: AgentState;
}
/** The parameters of `pause.cancel`. */
export interface PauseCancelParams {
  /** What is given up. */
  what: "pending" | "queue" | "request";
  /** The same again is the same effect. */
  op?: Op;
  /** Refuse unless the agent's version is this one. */
  expected_version?: number;
}
/** The parameters of `pause.correct`. */
export interface PauseCorrectParams {
  /** The pause, which is over. */
  pause: MadeId;
  /** When it ended. */
  ended_at: Instant;
  /** Why; the agent is told. */
  reason: Text;
  /** An integration says that it acts on the agent's behalf. */
  on_behalf?: boolean;
  /** The same again is the same effect. */
  op?: Op;
}
/** The parameters of `pause.corrected`. */
export interface PauseCorrectedTold {
  /** The pause. */
  pause: string;
  /** Its type. */
  type: string;
  /** When it began. */
  started_at: Instant;
  /** The end that it has. */
  ended_at: Instant;
  /** The end that it had. */
  ended_at_before: Instant;
  /** When it was corrected. */
  at: Instant;
  /** Who corrected it. */
  actor: ActorState;
  /** Why. */
  reason?: string;
}
/** The parameters of `pause.end`. */
export interface PauseEndParams {
  /** What follows; as before the pause, if nothing is said. */
  then?: "available" | "unavailable";
  /** The same again is the same effect. */
  op?: Op;
  /** Refuse unless the agent's version is this one. */
  expected_version?: number;
}
/** The parameters of `pause.extend`. */
export interface PauseExtendParams {
  /** For whom. */
  agent: GivenId;
  /** Why; the agent is shown it. */
  reason: Text;
  /** An integration says that it acts on the agent's behalf. */
  on_behalf?: boolean;
  /** By how much the limit is later, in milliseconds. */
  by_ms: number;
  /** The same again is the same effect. */
  op?: Op;
  /** Refuse unless the agent's version is this one. */
  expected_version?: number;
}
/** The parameters of `pause.offered`. */
export interface PauseOffered {
  /** The offer. */
  offer: string;
  /** The type of the pause. */
  type: string;
  /** When it expires. */
  expires_at: Instant;
}
/** The parameters of `pause.options`. */
export interface PauseOptionsParams {
  /** True when changes are to be told. */
  watch?: boolean;
}
/** Pauses on record, the oldest first. */
export interface PausePage {
  /** The first instant of the range. */
  from?: Instant;
  /** The instant that ends the range. */
  to?: Instant;
  /** The pauses. */
  pauses: Array<Pause>;
  /** Where to go on, where there are more. */
  next_cursor?: string;
}
/** What belongs to an alert about a pause. */
export interface PauseParams {
  /** The pause. */
  pause: string;
  /** Its type. */
  type: string;
  /** When it began. */
  started_at: Instant;
  /** When the limit was reached. */
  limit_at?: Instant;
}
/** The parameters of `pause.start`. */
export interface PauseStartParams {
  /** The code of the type. */
  type: GivenId;
  /** What the agent writes to it. */
  note?: Text;
  /** The running pause that this one takes the place of. */
  replaces?: MadeId;
  /** The same again is the same effect. */
  op?: Op;
  /** Refuse unless the agent's version is this one. */
  expected_version?: number;
}
/** A running pause. */
export interface PauseState {
  /** Its id. */
  id: string;
  /** The code of its type. */
  type: string;
  /** When it began. */
  started_at: Instant;
  /** When the next warning is due, or the last one was. */
  warn_at?: Instant;
  /** When the limit is reached. */
  limit_at?: Instant;
  /** Is it on record as over the limit. */
  overrun: boolean;
  /** The team that it counts for. */
  team?: string;
  /** What the agent wrote. */
  note?: string;
  /** The pause that this protected one is taken inside of; the agent alone sees it. */
  inside?: PauseState;
}
/** The parameters of `pause.warned` and `pause.limit_reached`. */
export interface PauseThreshold {
  /** The pause. */
  pause: string;
  /** Its type. */
  type: string;
  /** When the threshold fired. */
  at: Instant;
  /** When the limit is reached. */
  limit_at: Instant;
}
/** A type of pause that was put. */
export interface PauseTypeChanged {
  /** The type as it is, or will be. */
  pause_type: PauseTypeObject;
  /** The version that it is in, where there is one already. */
  version?: number;
  /** When it takes effect. */
  takes_effect_at?: Instant;
  /** Who is affected. */
  affected?: PolicyAffected;
}
/** A type of pause. A field that is absent has its default. */
export interface PauseTypeObject {
  /** Its code, which never changes its meaning. */
  code: GivenId;
  /** What people call it, by locale. */
  name: Record<string, string>;
  /** What it is for, by locale. */
  description?: Record<string, string>;
  /** The name of an icon. */
  icon?: string;
  /** A colour, `#rrggbb`. */
  color?: string;
  /** Where in the menu. */
  position?: number;
  /** False: it is not offered. */
  enabled?: boolean;
  /** True to archive it; never in an answer. */
  archived?: boolean;
  /** When it was archived. */
  archived_at?: Instant;
  /** What it is to the company; `regular`, if nothing is said. */
  class?: "regular" | "entitlement" | "protected";
  /** The teams that it is offered to; all, if nothing is said. */
  teams?: "all" | Array<GivenId>;
  /** Other rules for some. */
  overrides?: Array<OverrideObject>;
  /** The time on it is paid. */
  paid?: boolean;
  /** The time on it counts as work. */
  counts_as_work?: boolean;
  /** The shortest time, in seconds. */
  min_duration_s?: number | None;
  /** What an end under the shortest time does. */
  on_early_end?: "record" | "hold";
  /** Under how many seconds a pause counts as a slip and uses nothing up. */
  refund_under_s?: number;
  /** The longest time, in seconds. */
  limit_s?: number | None;
  /** How many seconds before the limit the agent is warned. */
  warn_before_s?: Array<number>;
  /** How many seconds over the limit are overlooked. */
  grace_s?: number;
  /** What the limit does. */
  on_limit?: "mark" | "end_unavailable" | "end_available" | "sign_out";
  /** After how many seconds over the limit it is told again. */
  escalate_after_s?: Array<number>;
  /** When it may be started, in the agent's zone; empty: always. */
  windows?: Array<WindowObject>;
  /** How many seconds before a window the line for it opens. */
  queue_opens_before_s?: number;
  /** For how many seconds from the start of the shift it may not be started. */
  not_in_first_s?: number;
  /** For how many seconds up to the end of the shift it may not be started. */
  not_in_last_s?: number;
  /** How often it may be taken in a shift. */
  quota_count?: number | None;
  /** For how many seconds it may be taken in a shift. */
  quota_time_s?: number | None;
  /** How many seconds after the last one of the type the next may start. */
  cooldown_s?: number;
  /** How many seconds after the last one of any type it may start. */
  cooldown_any_s?: number;
  /** How many of a team may be on it at once. */
  cap?: Record<string, CapObject>;
  /** What a start leads to while there is no slot. */
  when_full?: "refuse" | "queue";
  /** Somebody has to agree to each pause. */
  approval?: ApprovalObject | None;
  /** What a start leads to while work is open. */
  when_occupied?: "defer" | "immediate" | "refuse";
  /** Who starts it. */
  startable_by?: "agent" | "supervisor" | "both";
}
/** A page of the types of pauses. */
export interface PauseTypesPage {
  /** The types, by code. */
  pause_types: Array<PauseTypeObject>;
  /** Where to go on. */
  next_cursor?: string;
}
/** What waits for the agent's return. Either `type` or `status` is there. */
export interface PendingState {
  /** The type of the pause that will begin. */
  type?: string;
  /** The status that will follow. */
  status?: "offline" | "available" | "unavailable";
  /** Since when it waits. */
  since: Instant;
  /** When its time is up. */
  deadline_at?: Instant;
  /** What it waits for: `protected_pause` or `occupied`. */
  why: "protected_pause" | "occupied";
}
/** A person of the directory, whole: what is left out is as with somebody new. */
export interface PersonBody {
  /** What people call them. */
  name: Text;
  /** Their teams, the primary one first. */
  teams?: Array<GivenId>;
  /** Their own IANA zone, where it differs from the team's. */
  zone?: string;
  /** How many conversations at once by channel, where it differs from the channel's. */
  capacity?: Capacity;
}
/** A person as it is sent; absent optional fields are left out. */
export interface PersonObject {
  /** Their id. */
  id: string;
  /** What people call them. */
  name: string;
  /** Their teams, the primary one first. */
  teams: Array<string>;
  /** Their own IANA zone, where it differs from the team's. */
  zone?: string;
  /** How many conversations at once by channel, where it differs from the channel's. */
  capacity?: Record<string, number>;
  /** Since when they are gone. */
  left_at?: Instant;
}
/** Who is on a pause of a type that changes, or waits for one. */
export interface PolicyAffected {
  /** How many are on one. */
  paused: number;
  /** How many stand in line for one. */
  queued: number;
  /** How many begin one when their work ends. */
  pending: number;
  /** Who, the first 100 by id. */
  agents: Array<string>;
}
/** The draft, whole. */
export interface PolicyDraftShown {
  /** The draft in short. */
  draft: DraftHead;
  /** Its types, in the order of the menu. */
  types: Array<PauseTypeObject>;
  /** What the employer owes. */
  entitlement_rules: Array<EntitlementRuleObject>;
  /** What is different from the version in force. */
  difference: Array<TypeDifference>;
}
/** The result of `policy.put_draft`. */
export interface PolicyDrafted {
  /** The draft in short. */
  draft: DraftHead;
  /** What is different from the version in force; absent of a draft that another has replaced since. */
  difference?: Array<TypeDifference>;
}
/** The parameters of `policy.dry_run`. */
export interface PolicyDryRunParams {
  /** The first day; not beside `days`. */
  from?: Day;
  /** The last day; today, if nothing is said. */
  to?: Day;
  /** How many days up to the last one; 7, if nothing is said. */
  days?: number;
}
/** The parameters of `policy.get`: one of them, or none for the version in force. */
export interface PolicyGetParams {
  /** A version of before. */
  version?: number;
  /** True for the draft. */
  draft?: boolean;
}
/** The parameters of `policy.publish`. */
export interface PolicyPublishParams {
  /** When; the next business day, if nothing is said. `never` withdraws what waits. */
  at?: "now" | "next_business_day" | "never";
  /** True when running pauses get the longer limits; not beside `never`. */
  loosen_only?: boolean;
  /** Why; with `never` it may be left out. */
  reason?: Text;
  /** The same again is the same effect. */
  op?: Op;
}
/** The result of `policy.publish`. */
export type PolicyPublished = PolicyTakesEffect | PolicyWithdrawn | NoParams;
/** The parameters of `policy.put_draft`: the whole policy. */
export interface PolicyPutDraftParams {
  /** The types; one that is left out is archived. */
  types: Array<PauseTypeObject>;
  /** What the employer owes; as in force, if nothing is said. */
  entitlement_rules?: Array<EntitlementRuleObject>;
  /** The version that it was written on top of. */
  base_version: number;
  /** What is written to it. */
  note?: Text;
  /** The same again is the same effect. */
  op?: Op;
}
/** The result of `policy.get`. */
export type PolicyShown = PolicyVersionShown | PolicyDraftShown;
/** How many types a version adds, changes and removes. */
export interface PolicySummary {
  /** New ones. */
  added: number;
  /** Changed ones. */
  changed: number;
  /** Archived ones. */
  removed: number;
}
/** A policy that is published, or planned. */
export interface PolicyTakesEffect {
  /** When it takes effect. */
  takes_effect_at: Instant;
  /** Its number; absent while it waits. */
  version?: number;
  /** Who is on a pause of a type that changes, or waits for one. */
  affected: PolicyAffected;
}
/** A version in short. */
export interface PolicyVersionRow {
  /** Its number. */
  version: number;
  /** When it was published. */
  at: Instant;
  /** Who published it. */
  actor: ActorState;
  /** Why it happened. */
  cause: "abandoned" | "admin" | "agent" | "changed_type" | "clock" | "connection_lost" | "deactivated" | "integration" | "limit" | "occupancy" | "queue" | "resumed" | "server_started" | "session" | "sign_in" | "sign_out" | "supervisor" | "tenant_closed";
  /** What was written to it. */
  reason?: string;
  /** What it does to the one before. */
  summary: PolicySummary;
}
/** A version of the policy. */
export interface PolicyVersionShown {
  /** Its number. */
  version: number;
  /** Since when it is in force, or was. */
  in_force_since?: Instant;
  /** Who published it. */
  published_by?: ActorState;
  /** Why. */
  reason?: string;
  /** Its types, in the order of the menu. */
  types: Array<PauseTypeObject>;
  /** What the employer owes. */
  entitlement_rules: Array<EntitlementRuleObject>;
  /** The draft on top of it. */
  draft?: DraftHead;
  /** What waits for its day. */
  scheduled?: ScheduledObject;
}
/** The result of `policy.versions`. */
export interface PolicyVersionsPage {
  /** The last one first. */
  versions: Array<PolicyVersionRow>;
  /** Where to go on, where there are more. */
  next_cursor?: string;
}
/** The parameters of `policy.versions`. */
export interface PolicyVersionsParams {
  /** How many; 20, if nothing is said. */
  limit?: number;
  /** Where to go on, as `next_cursor` said. */
  cursor?: string;
}
/** What waited is withdrawn. */
export interface PolicyWithdrawn {
  /** What it is again. */
  draft: DraftHead;
}
/** The result of `session.ping`. */
export interface Pong {
  /** The server's time. */
  server_time: Instant;
  /** The agent's version, where the principal is one. */
  version?: number;
}
/** How many agents of a team are in each presence. */
export interface PresenceCounts {
  /** Ready. */
  available: number;
  /** Not ready. */
  unavailable: number;
  /** In the work after a conversation. */
  wrap_up: number;
  /** With conversations open. */
  busy: number;
  /** On a pause. */
  paused: number;
  /** Not at work. */
  offline: number;
}
/** A principal as it is shown to itself. */
export interface PrincipalShown {
  /** What it is first of all. */
  kind: "agent" | "admin" | "supervisor" | "integration" | "auditor" | "operator";
  /** Its id. */
  id: string;
  /** Its tenant. */
  tenant: string;
  /** All its roles. */
  roles: Array<"agent" | "admin" | "supervisor" | "integration" | "auditor" | "operator">;
  /** An agent's teams, or those that it may see. */
  teams: Array<string>;
  /** The zone of its day. */
  zone: string;
}
/** A problem document (RFC 9457). */
export interface Problem {
  /** Always `about:blank`: what it is about is in `code`. */
  type: string;
  /** The name of the status. */
  title: string;
  /** The status. */
  status: number;
  /** One plain English sentence. */
  detail: string;
  /** What programs act on. */
  code: string;
  /** What belongs to the code. */
  params: Record<string, unknown>;
  /** When it is worth asking again, if nothing else happens. */
  next_change_at?: Instant;
}
/** When the draft is put in force, and why. */
export interface PublishBody {
  /** When; the next business day, if nothing is said. `never` withdraws what waits. */
  at?: "now" | "next_business_day" | "never";
  /** True when running pauses get the longer limits; not beside `never`. */
  loosen_only?: boolean;
  /** Why; with `never` it may be left out. */
  reason?: Text;
}
/** A place in a line. */
export interface QueueState {
  /** The code of the type that is waited for. */
  type: string;
  /** Since when. */
  since: Instant;
  /** Where in the line, counted from 1, when this was written; the agent alone sees it. */
  position?: number;
  /** When a slot is free if all pauses end at their limit; the agent alone sees it. */
  expected_at?: Instant;
}
/** Whether commands can be carried out. */
export interface Readiness {
  /** True when they can. */
  ready: boolean;
  /** The version of the time zone data. */
  tzdata: string;
}
/** One record of a directory. */
export type RecordObject = TenantObject | ChannelObject | TeamObject | PersonObject;
/** The result of `session.refresh`. */
export interface Refreshed {
  /** When the fresh credential ends. */
  expires_at: Instant;
  /** The boards that the fresh credential does not reach; they have ended. */
  ended_subscriptions?: Array<string>;
}
/** What an integration says of an agent's work: the whole of what it knows. */
export interface ReportBody {
  /** The integration that says so. */
  source: GivenId;
  /** The source's own number, rising. */
  seq: number;
  /** For how many seconds it holds; 120, if nothing is said. */
  ttl_s?: number;
  /** Open conversations by channel; one that is left out has none. */
  channels?: Channels;
  /** True during after-conversation work. */
  wrap_up?: boolean;
}
/** All that a source knows: of whom it does not name it knows nothing open. */
export interface ReportSetBody {
  /** The integration that says so. */
  source: GivenId;
  /** The source's own number of the set. */
  seq: number;
  /** For how many seconds it holds; 120, if nothing is said. */
  ttl_s?: number;
  /** By agent; at most 20,000. */
  agents: Record<string, WorkBody>;
}
/** The answer of `request.create` and `request.decide`, and the params of `request.changed`. */
export interface RequestAfter {
  /** The request. */
  request: RequestObject;
  /** To sockets with boards: the request of the same agent that was open before, and is not any more. What became of it is not told by itself. */
  replaces?: string;
}
/** The parameters of `request.cancel`. */
export interface RequestCancelParams {
  /** The request. */
  request: MadeId;
  /** The same again is the same effect. */
  op?: Op;
  /** Refuse unless the agent's version is this one. */
  expected_version?: number;
}
/** The parameters of `request.create`. */
export interface RequestCreateParams {
  /** The code of the type. */
  type: GivenId;
  /** Why. */
  reason: Text;
  /** By how much the limit is to be later. */
  extra_ms?: number;
  /** The same again is the same effect. */
  op?: Op;
  /** Refuse unless the agent's version is this one. */
  expected_version?: number;
}
/** The parameters of `request.decide`. */
export interface RequestDecideParams {
  /** The request. */
  request: MadeId;
  /** How it is decided. */
  decision: "grant" | "refuse";
  /** Why; the agent is shown it. */
  reason: Text;
  /** How often a grant can be used; once, if nothing is said. */
  uses?: number;
  /** Until when a grant can be used. */
  until?: Instant;
  /** The same again is the same effect. */
  op?: Op;
  /** Refuse unless the agent's version is this one. */
  expected_version?: number;
}
/** One request, as the agent and their supervisors see it. */
export interface RequestObject {
  /** Its id. */
  id: string;
  /** Whose. */
  agent: string;
  /** The team that the agent is counted in. */
  team?: string;
  /** The code of the type of pause that it is for. */
  type: string;
  /** Why; absent where a start gave rise to it. */
  reason?: string;
  /** By how much the limit is to be later. */
  extra_ms?: number;
  /** `open`, `granted`, `refused`, `expired` or `cancelled`. */
  state: "open" | "granted" | "refused" | "expired" | "cancelled";
  /** When it was made. */
  created_at: Instant;
  /** Until when somebody may decide. */
  expires_at?: Instant;
  /** Who decided. */
  decided_by?: ActorState;
  /** When. */
  decided_at?: Instant;
  /** Why so. */
  decision_reason?: string;
}
/** What belongs to an alert about a request. */
export interface RequestParams {
  /** The request. */
  request: string;
  /** The type of pause that it is for. */
  type: string;
  /** Until when somebody may decide. */
  expires_at: Instant;
}
/** The last request for an exception, in short. */
export interface RequestState {
  /** Its id. */
  id: string;
  /** The code of the type that it is for. */
  type: string;
  /** `open`, or what became of it. */
  state: "open" | "granted" | "refused" | "expired" | "cancelled";
}
/** A page of requests. */
export interface RequestsPage {
  /** The requests, the oldest first. */
  requests: Array<RequestObject>;
  /** Where to go on. */
  next_cursor?: string;
}
/** One who may get work. */
export interface RoutableAgent {
  /** The agent. */
  agent: string;
  /** The number to send back in `If-Match`, so that one who has moved on meanwhile is not taken. */
  version: number;
  /** Since when they are as they are. */
  presence_since: Instant;
  /** Their open conversations by channel. */
  occupancy: Record<string, number>;
}
/** The answer to who may get work. */
export interface RoutableAnswer {
  /** Somebody may. */
  routable: boolean;
  /** Why nobody may: of the one who is nearest to it. */
  reason?: "offline" | "disconnected" | "paused" | "pending" | "unavailable" | "wrap_up" | "at_capacity" | "occupancy_unknown" | "not_in_team" | "channel_disabled";
  /** Who may, the longest ready first. */
  agents: Array<RoutableAgent>;
}
/** The answer to one call: a result, or an error. */
export interface RpcAnswer {
  /** Always `2.0`. */
  jsonrpc: "2.0";
  /** The id of the call; null where none could be made out. */
  id: RpcId;
  /** What the method answers. */
  result?: unknown;
  /** Why it does not. */
  error?: Error;
}
/** The answer to one call, or the answers to a batch. */
export type RpcAnswers = RpcAnswer | Array<RpcAnswer>;
/** One call, or a batch of them. */
export type RpcBody = RpcCall | Array<RpcCall>;
/** One call of JSON-RPC 2.0. */
export interface RpcCall {
  /** Always `2.0`. */
  jsonrpc: "2.0";
  /** What the answer is filed under; without it there is none. */
  id?: RpcId;
  /** One of the methods of the OpenRPC document. */
  method: string;
  /** Its parameters, by name. */
  params?: RpcParams;
}
/** The id of a call; null where none could be made out. */
export type RpcId = string | number | null;
/** The params of a call: by name, or for a few methods by position. */
export type RpcParams = Record<string, unknown> | Array<unknown>;
/** What waits for its day. */
export interface ScheduledObject {
  /** When it takes effect. */
  takes_effect_at: Instant;
  /** Running pauses get the longer limits. */
  loosen_only: boolean;
  /** Who published it. */
  by: ActorState;
  /** Why. */
  reason: string;
  /** The draft. */
  draft: DraftHead;
  /** What is different from the version in force. */
  difference: Array<TypeDifference>;
}
/** The params of `server.draining`. */
export interface ServerDraining {
  /** When to connect again. */
  reconnect_after_ms: number;
}
/** The params of `session.expiring`. */
export interface SessionExpiring {
  /** When the credential ends. */
  at: Instant;
}
/** Something that somebody is in with. */
export interface SessionObject {
  /** Its id. */
  id: string;
  /** `login` for a browser that has logged in, `socket` for an open one. */
  kind: "login" | "socket";
  /** Who. */
  subject: string;
  /** What it came in with: `token`, `key` or `login`. */
  credential: "token" | "key" | "login";
  /** Since when. */
  since: Instant;
  /** When it ends by itself. */
  expires_at: Instant;
  /** True for what this very request came with. */
  current: boolean;
}
/** The parameters of `session.open`. */
export interface SessionOpenParams {
  /** A bearer token or key. */
  token?: string;
  /** A single-use ticket. */
  ticket?: string;
  /** False: the socket does not count as the agent's presence. */
  presence?: boolean;
  /** What the client calls itself; for logs only. */
  client?: ClientShape;
}
/** The result of `session.open`. */
export interface SessionOpened {
  /** The session's id. */
  session: string;
  /** Who it speaks for. */
  principal: PrincipalShown;
  /** The agent's own state, where the principal is one. */
  agent?: AgentState;
  /** The server's time. */
  server_time: Instant;
  /** How often the server pings. */
  ping_interval_ms: number;
  /** The limits that a client should know. */
  limits: LimitsShown;
}
/** Open sockets, then logins, in the order in which they began. */
export interface SessionPage {
  /** The sessions. */
  sessions: Array<SessionObject>;
  /** Where to go on, where there are more. */
  next_cursor?: string;
}
/** The parameters of `session.refresh`. */
export interface SessionRefreshParams {
  /** A fresh credential of the same subject. */
  token: string;
}
/** The parameters of `session.sign_out`. */
export interface SessionSignOutParams {
  /** Which sessions end: this one, if nothing is said. */
  scope?: "this" | "all";
  /** What becomes of a running entitlement: it goes on, if nothing is said. */
  pause?: "keep" | "end";
}
/** What was taken of a source's whole set. */
export interface SetTaken {
  /** Of how many it was taken. */
  taken: number;
  /** Of how many it was not. */
  not_taken: number;
  /** Why not, of at most 100 of them, by agent. */
  failed: Record<string, NotTaken>;
}
/** A planned shift. */
export interface ShiftBody {
  /** When it begins. */
  start: Instant;
  /** When it ends: at most 24 hours later. */
  end: Instant;
  /** How many seconds of it are a meal that is not paid. */
  unpaid_meal_s?: number;
}
/** One planned shift of many. */
export interface ShiftItem {
  /** Whose. */
  agent: GivenId;
  /** The day that it belongs to. */
  day: Day;
  /** When it begins. */
  start: Instant;
  /** When it ends: at most 24 hours later. */
  end: Instant;
  /** How many seconds of it are a meal that is not paid. */
  unpaid_meal_s?: number;
}
/** What is planned for an agent. */
export interface ShiftList {
  /** The first one first. */
  shifts: Array<ShiftState>;
}
/** A planned shift as it is sent. */
export interface ShiftState {
  agent: string;
  day: string;
  start: Instant;
  end: Instant;
  unpaid_meal_s?: number;
}
/** Planned shifts of many. */
export interface ShiftsBody {
  /** Each day once for an agent. */
  shifts: Array<ShiftItem>;
}
/** What was planned, and what was not. */
export interface ShiftsPlanned {
  /** What was planned, by agent. */
  shifts: Array<ShiftState>;
  /** What was not; send all of it again. */
  errors?: Array<ItemError>;
}
/** A part of a snapshot: part 0 replaces everything there was, the others add. */
export interface SnapshotFrame {
  /** Always `snapshot`. */
  kind: "snapshot";
  /** Which part, from 0. */
  part: number;
  /** How many parts. */
  parts: number;
  /** The tenant's number that it holds up to. */
  to: number;
  /** Where to go on. */
  cursor: string;
  /** The rows. */
  agents: Array<AgentState>;
  /** How many agents of each team are in each presence. */
  counts?: Record<string, PresenceCounts>;
  /** Every alert. */
  alerts?: Array<Alert>;
  /** Every open request. */
  requests?: Array<RequestObject>;
}
/** The truth is out of reach. */
export interface StaleFrame {
  /** Always `stale`. */
  kind: "stale";
  /** Since when. */
  since: Instant;
}
/** The parameters of `status.set`. */
export interface StatusSetParams {
  /** What is chosen. */
  status: "offline" | "available" | "unavailable";
  /** When it takes effect: now, if nothing is said. */
  when?: "now" | "after_work";
  /** The same again is the same effect. */
  op?: Op;
  /** Refuse unless the agent's version is this one. */
  expected_version?: number;
}
/** A team, by its id in the address. */
export interface TeamBody {
  /** The same as in the address. */
  id?: GivenId;
  /** What people call it. */
  name: Text;
  /** Its own IANA zone, where it differs from the tenant's. */
  zone?: string;
}
/** A team as it is sent. */
export interface TeamObject {
  /** Its id. */
  id: string;
  /** What people call it. */
  name: string;
  /** Its own IANA zone, where it differs from the tenant's. */
  zone?: string;
}
/** A page of teams. */
export interface TeamsPage {
  /** The teams, by id. */
  teams: Array<TeamObject>;
  /** Where to go on. */
  next_cursor?: string;
}
/** The settings of a tenant; one that is left out has its default. */
export interface TenantBody {
  /** The same as in the address. */
  id?: GivenId;
  /** What people call it. */
  name: Text;
  /** The IANA zone of its day. */
  zone: string;
  /** When its business day begins, `04:00`. */
  business_day_start?: string;
  /** False: there is no menu. */
  pauses_enabled?: boolean;
  /** The status that a genuine first sign-in takes. */
  status_on_sign_in?: "available" | "unavailable";
  /** How many seconds after the last session is gone an agent is still held. */
  connection_grace_s?: number;
  /** How many seconds after a lost connection a return restores the status. */
  resume_within_s?: number;
  /** How many seconds a disconnected agent's pause runs before it is abandoned. */
  abandon_after_s?: number;
  /** How many seconds a pause or a status waits for the end of work. */
  defer_for_s?: number;
  /** What becomes of it then. */
  at_defer_deadline?: "start" | "notify" | "cancel";
  /** How many seconds a shift is taken to last of which nobody has said so. */
  default_shift_s?: number;
}
/** A tenant, as an operator sees it. */
export interface TenantNamed {
  /** Its id. */
  id: string;
  /** What people call it. */
  name: string;
  /** Since when it is closed; absent while it is open. */
  closed_at?: Instant;
}
/** The settings of a tenant as they are sent. */
export interface TenantObject {
  /** Its id. */
  id: string;
  /** What people call it. */
  name: string;
  /** The IANA zone of its day, where neither agent nor team has one. */
  zone: string;
  /** When its business day begins, local time. */
  business_day_start: string;
  /** False: there is no menu. */
  pauses_enabled: boolean;
  /** The status that a genuine first sign-in takes. */
  status_on_sign_in: string;
  /** How long after the last session is gone an agent is still held. */
  connection_grace_s: number;
  /** How long after a lost connection a return restores the status. */
  resume_within_s: number;
  /** How long a disconnected agent's pause runs before it is abandoned. */
  abandon_after_s: number;
  /** How long a pause or a status waits for the end of work. */
  defer_for_s: number;
  /** What becomes of it then. */
  at_defer_deadline: string;
  /** How long a shift is taken to last of which nobody has said so. */
  default_shift_s: number;
}
/** The settings of a tenant; to an operator who has made it, with what lets its first administrator in. */
export interface TenantPut {
  /** Its id. */
  id: string;
  /** What people call it. */
  name: string;
  /** The IANA zone of its day, where neither agent nor team has one. */
  zone: string;
  /** When its business day begins, local time. */
  business_day_start: string;
  /** False: there is no menu. */
  pauses_enabled: boolean;
  /** The status that a genuine first sign-in takes. */
  status_on_sign_in: string;
  /** How long after the last session is gone an agent is still held. */
  connection_grace_s: number;
  /** How long after a lost connection a return restores the status. */
  resume_within_s: number;
  /** How long a disconnected agent's pause runs before it is abandoned. */
  abandon_after_s: number;
  /** How long a pause or a status waits for the end of work. */
  defer_for_s: number;
  /** What becomes of it then. */
  at_defer_deadline: string;
  /** How long a shift is taken to last of which nobody has said so. */
  default_shift_s: number;
  /** The invitation of the first administrator, told this once. */
  invitation?: InvitationObject;
}
/** A page of the tenants. */
export interface TenantsPage {
  /** The tenants, by id. */
  tenants: Array<TenantNamed>;
  /** Where to go on. */
  next_cursor?: string;
}
/** A text that a person wrote: printable, not blank. */
export type Text = string;
/** A ticket. */
export interface TicketMade {
  /** What a page opens a socket with, once. */
  ticket: string;
  /** When it ends by itself. */
  expires_at: Instant;
}
/** What is different in a type. */
export interface TypeDifference {
  /** Its code. */
  type: string;
  /** What happens to it. */
  change: "added" | "changed" | "removed";
  /** Field by field. */
  fields?: Array<FieldDifference>;
}
/** What is owed of a type. */
export interface TypeOwed {
  /** Of which type. */
  type: string;
  /** The rule by which it is owed. */
  rule: string;
  /** How many in the shift. */
  count: number;
  /** How many were taken in full, in the time for it. */
  satisfied: number;
  /** How many are still owed; one that is being taken is not among them. */
  owed: number;
  /** When the next one has to begin. */
  latest_start_at?: Instant;
  /** It is about to lapse. */
  at_risk: boolean;
  /** True where nobody has said how long the shift is. */
  estimated: boolean;
}
/** What choosing a type would lead to. */
export interface VerdictState {
  /** `started`, `queued`, `pending`, `requested` or `refused`. */
  outcome: "started" | "queued" | "pending" | "requested" | "refused";
  /** The rule that decided. */
  code?: string;
  /** What belongs to the code. */
  params?: Record<string, unknown>;
  /** The codes of every other rule that stands against it. */
  also: Array<string>;
  /** When it is worth asking again, if nothing else happens. */
  next_change_at?: Instant;
}
/** A window of local time. */
export interface WindowObject {
  /** The days on which it opens; every day, if nothing is said. */
  days?: DaysObject;
  /** When it opens, `11:30`. */
  from: string;
  /** When it closes; the next day, when that is earlier. */
  until: string;
}
/** A window of local time. */
export interface WindowState {
  /** The days on which it opens: `mon` to `sun`. */
  days: Array<string>;
  /** When it opens, `11:30`. */
  from: string;
  /** When it closes; the next day, when that is earlier. */
  until: string;
}
/** The work of one agent. */
export interface WorkBody {
  /** Open conversations by channel; one that is left out has none. */
  channels?: Channels;
  /** True during after-conversation work. */
  wrap_up?: boolean;
}

/** Every method with what it takes and what it answers. */
export interface Methods {
  "session.open": { params: { token?: string; ticket?: string; presence?: boolean; client?: ClientShape }; result: SessionOpened };
  "session.ping": { params: {}; result: Pong };
  "session.refresh": { params: { token: string }; result: Refreshed };
  "session.sign_out": { params: { scope?: "this" | "all"; pause?: "keep" | "end" }; result: Done };
  "agent.get": { params: {}; result: AgentState };
  "status.set": { params: { status: "offline" | "available" | "unavailable"; when?: "now" | "after_work"; op?: Op; expected_version?: number }; result: AgentState };
  "pause.options": { params: { watch?: boolean }; result: Array<OptionState> };
  "pause.start": { params: { type: GivenId; note?: Text; replaces?: MadeId; op?: Op; expected_version?: number }; result: PauseBegun };
  "pause.accept": { params: { offer: MadeId; op?: Op; expected_version?: number }; result: AgentAfter };
  "pause.end": { params: { then?: "available" | "unavailable"; op?: Op; expected_version?: number }; result: AgentAfter };
  "pause.cancel": { params: { what: "pending" | "queue" | "request"; op?: Op; expected_version?: number }; result: AgentAfter };
  "pause.annotate": { params: { pause: MadeId; text: LongText; op?: Op }; result: Done };
  "request.create": { params: { type: GivenId; reason: Text; extra_ms?: number; op?: Op; expected_version?: number }; result: RequestAfter };
  "request.cancel": { params: { request: MadeId; op?: Op; expected_version?: number }; result: Done };
  "request.list": { params: {}; result: Array<RequestObject> };
  "request.decide": { params: { request: MadeId; decision: "grant" | "refuse"; reason: Text; uses?: number; until?: Instant; op?: Op; expected_version?: number }; result: RequestAfter };
  "alert.ack": { params: { alert: AlertId; op?: Op; expected_version?: number }; result: Done };
  "agent.set_status": { params: { agent: GivenId; reason: Text; status: "offline" | "available" | "unavailable"; on_behalf?: boolean; op?: Op; expected_version?: number }; result: AgentAfter };
  "agent.start_pause": { params: { agent: GivenId; reason: Text; type: GivenId; on_behalf?: boolean; override?: boolean; op?: Op; expected_version?: number }; result: AgentAfter };
  "agent.end_pause": { params: { agent: GivenId; reason: Text; on_behalf?: boolean; then?: "available" | "unavailable"; override?: boolean; op?: Op; expected_version?: number }; result: AgentAfter };
  "agent.sign_out": { params: { agent: GivenId; reason: Text; on_behalf?: boolean; pause?: "keep" | "end"; op?: Op; expected_version?: number }; result: AgentAfter };
  "pause.extend": { params: { agent: GivenId; reason: Text; by_ms: number; on_behalf?: boolean; op?: Op; expected_version?: number }; result: AgentAfter };
  "pause.correct": { params: { pause: MadeId; ended_at: Instant; reason: Text; on_behalf?: boolean; op?: Op }; result: PauseAfter };
  "occupancy.set": { params: { agent: GivenId; source: GivenId; seq: number; ttl_s?: number; channels?: Channels; wrap_up?: boolean; expected_version?: number }; result: AgentAfter };
  "policy.get": { params: { version?: number; draft?: boolean }; result: PolicyShown };
  "policy.versions": { params: { limit?: number; cursor?: string }; result: PolicyVersionsPage };
  "policy.put_draft": { params: { types: Array<PauseTypeObject>; base_version: number; entitlement_rules?: Array<EntitlementRuleObject>; note?: Text; op?: Op }; result: PolicyDrafted };
  "policy.dry_run": { params: { from?: Day; to?: Day; days?: number }; result: DryRunReport };
  "policy.publish": { params: { at?: "now" | "next_business_day" | "never"; loosen_only?: boolean; reason?: Text; op?: Op }; result: PolicyPublished };
  "board.subscribe": { params: { teams: "all" | Array<GivenId>; cursor?: string }; result: string };
  "board.unsubscribe": { params: { subscription: string }; result: true };
  "rpc.on": { params: { names: Array<string> }; result: Record<string, "ok" | "provided event invalid"> };
  "rpc.off": { params: { names: Array<string> }; result: Record<string, "ok" | "provided event invalid"> };
  "rpc.discover": { params: {}; result: Record<string, unknown> };
}

/** Every notification of the server with its params. */
export interface Notifications {
  "agent.changed": AgentChanged;
  "pause.warned": PauseThreshold;
  "pause.limit_reached": PauseThreshold;
  "pause.offered": PauseOffered;
  "pause.corrected": PauseCorrectedTold;
  "pause.annotated": PauseAnnotatedTold;
  "options.changed": Array<OptionState>;
  "request.changed": RequestAfter;
  "board.changed": BoardChanged;
  "session.expiring": SessionExpiring;
  "server.draining": ServerDraining;
}
