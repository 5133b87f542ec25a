//! Every bound of the program in one place; each is crossed by a test.

use std::time::Duration;

/// Bytes of one YAML file that is read as configuration.
pub const YAML_BYTES_MAX: usize = 256 * 1024;
/// Nesting of mappings and sequences in one YAML file.
pub const YAML_DEPTH_MAX: usize = 64;
/// Nodes of one YAML file, after aliases are expanded.
pub const YAML_NODES_MAX: usize = 50_000;
/// Diagnostics reported for one model; the rest is counted.
pub const DIAGNOSTICS_MAX: usize = 200;
/// Annotations of one severity for one step of a GitHub workflow: it shows no more.
pub const GITHUB_ANNOTATIONS_MAX: usize = 10;
/// Pairs of lines that are compared to show how a file changes; longer texts are shown as exchanged.
pub const DIFF_CELLS_MAX: usize = 4_000_000;
/// Bytes of a baseline of the linter.
pub const LINT_BASELINE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// How often files are looked at again after fixes were put in.
pub const FIX_ROUNDS_MAX: usize = 10;
/// Findings in the table of a summary in Markdown.
pub const SUMMARY_ROWS_MAX: usize = 200;

/// Comments of one file that ignore a finding.
pub const IGNORES_MAX: usize = 100;

/// Entries of one map or list in one configuration file.
pub const COLLECTION_MAX: usize = 100;
/// Bytes of a path that a configuration file names.
pub const PATH_BYTES_MAX: usize = 512;
/// Characters of a name that is made of a model's and an environment's (the service model's figure).
pub const NAME_MAX: usize = 63;
/// Tags that a configuration may give: AWS's 50 less those that trueup keeps for its own.
pub const TAGS_MAX: usize = 40;
/// Characters of a tag's key (the service model's figure).
pub const TAG_KEY_MAX: usize = 128;
/// Characters of a tag's value (the service model's figure).
pub const TAG_VALUE_MAX: usize = 256;
/// Characters of a person's name that a tag keeps.
pub const TAG_NAME_MAX: usize = 40;
/// Variants of one endpoint (the service model's figure).
pub const VARIANTS_MAX: usize = 10;
/// Alarms that SageMaker watches during one deployment (the service model's figure).
pub const ROLLBACK_ALARMS_MAX: usize = 10;
/// Environment variables of a serving container that a configuration may give: SageMaker's 100 less
/// those that trueup sets.
pub const VARIABLES_MAX: usize = 90;
/// Characters of an environment variable's value (the service model's figure).
pub const VARIABLE_CHARS_MAX: usize = 1024;
/// Hyperparameters of one training job (the service model's figure).
pub const HYPERPARAMETERS_MAX: usize = 100;
/// Characters of a hyperparameter's value (the service model's figure).
pub const HYPERPARAMETER_CHARS_MAX: usize = 2_500;
/// Models of one repository.
pub const MODELS_MAX: usize = 20_000;

/// Files of one snapshot.
pub const SNAPSHOT_FILES_MAX: usize = 100_000;
/// Bytes of one file of a snapshot.
pub const SNAPSHOT_FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Bytes of all files of one model's folder.
pub const SNAPSHOT_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Depth of folders in a snapshot.
pub const SNAPSHOT_DEPTH_MAX: usize = 64;
/// Entries of folders looked at for one snapshot, whether they are taken or not.
pub const SNAPSHOT_ENTRIES_MAX: usize = 400_000;
/// Bytes of file contents that a mirror keeps in memory for the next snapshot.
pub const BLOB_CACHE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Branches of one repository.
pub const BRANCHES_MAX: usize = 50_000;
/// Bytes received in one fetch.
pub const FETCH_BYTES_MAX: usize = 8 * 1024 * 1024 * 1024;
/// Packs of a mirror before they are made one.
pub const MIRROR_PACKS_MAX: usize = 128;
/// Conversations with one Git host that went silent and were given up on.
pub const GIT_SILENT_MAX: usize = 8;
/// Repositories that one daemon follows.
pub const SOURCES_MAX: usize = 1000;
/// Conversations with one Git host at a time.
pub const HOST_CONVERSATIONS_MAX: usize = 4;
/// How often the sources of one Git host together are looked at in a minute, where nobody says otherwise.
pub const HOST_LOOKS_PER_MINUTE: u32 = 600;
/// How long a source that moved is looked at more often than others of a host that cannot bear all.
pub const SOURCE_BUSY_PERIOD: Duration = Duration::from_hours(1);
/// How often the file with the list of sources is read.
pub const SOURCES_READ_EVERY: Duration = Duration::from_secs(5);
/// Bytes of a Git server's own words that are repeated.
pub const GIT_WORDS_MAX: usize = 1024;
/// Bytes of a file of known SSH hosts.
pub const KNOWN_HOSTS_BYTES_MAX: u64 = 1024 * 1024;
/// A file of keys whose signatures of commits count.
pub const SIGNERS_BYTES_MAX: usize = 256 * 1024;
/// Keys of such a file.
pub const SIGNERS_MAX: usize = 1_000;
/// Names in `commits.robots`.
pub const ROBOTS_MAX: usize = 20;
/// One commit object that is judged by its signature.
pub const SIGNED_COMMIT_BYTES_MAX: usize = 1024 * 1024;
/// One signature of a commit.
pub const SIGNATURE_BYTES_MAX: usize = 16 * 1024;
/// What `gpgv` says of one of GPG's.
pub const GPGV_ANSWER_BYTES_MAX: u64 = 256 * 1024;
/// How long it may take to say that.
pub const GPGV_DEADLINE: Duration = Duration::from_secs(10);
/// Commits that one look judges by their signatures.
pub const SIGNED_COMMITS_MAX: usize = 2_000;
/// Bits of an RSA key that signs; shorter ones can be broken.
pub const RSA_BITS_MIN: usize = 2_048;
/// Bits of an RSA key that signs; longer ones take long to judge.
pub const RSA_BITS_MAX: usize = 8_192;
/// A file with the private key that trueup signs with.
pub const SIGNING_KEY_BYTES_MAX: usize = 16 * 1024;
/// Bytes of what gives a token or a password.
pub const CREDENTIAL_BYTES_MAX: u64 = 16 * 1024;
/// How long a host is asked when it may be asked again.
pub const RETRY_AFTER_DEADLINE: Duration = Duration::from_secs(5);
/// How long a program that gives credentials may take.
pub const CREDENTIAL_DEADLINE: Duration = Duration::from_secs(30);
/// Commits walked back to find when a run digest last became the candidate, and states of a release
/// file that are looked at.
pub const HISTORY_COMMITS_MAX: usize = 1_000;

/// How long an order to roll back that is given while Git is down holds, where nothing else is said.
pub const OVERRIDE_PERIOD: Duration = Duration::from_hours(24);
/// The longest that it may hold.
pub const OVERRIDE_PERIOD_MAX: Duration = Duration::from_hours(7 * 24);
/// How far ahead of ours the clock of whoever gave the order may be.
pub const OVERRIDE_MARGIN: Duration = Duration::from_mins(10);
/// How often the commit of a rollback is tried while others push to the branch.
pub const ROLLBACK_TRIES_MAX: usize = 10;

/// Models that are passed over at once, of one repository.
pub const PASSES_AT_ONCE: usize = 16;
/// Models that are kept as they were read and compiled last, of those that have not come to rest.
pub const READY_MAX: usize = 256;
/// Commits walked back to find what a release file named before, for a release that its environment
/// never ran. Commits of all models count: a busy repository makes many of them.
pub const REVIEW_COMMITS_MAX: usize = 100_000;
/// Commits of the past that are remembered as what they asked for.
pub const PASTS_MAX: usize = 20_000;
/// Pages read of one list before the rest is a gap.
pub const LIST_PAGES_MAX: usize = 50;
/// Pages read of one list in a sweep over everything in an account and region.
pub const SWEEP_PAGES_MAX: usize = 1_000;
/// Models of a repository from which on lists tell which of them to look at; fewer are described, each
/// by itself, as often as a sweep would be.
pub const SWEEP_LISTED_MIN: usize = 50;
/// The longest until a model is described though no list shows a change of it; the shortest is three
/// quarters of that.
pub const AUDIT_PERIOD: Duration = Duration::from_hours(24);
/// Rollouts, and runs, that are under way at once in an account of few units, where trueup.yaml does not
/// say otherwise.
pub const TURNS_MIN: usize = 5;
/// The same in an account of many, as per cent of its units.
pub const TURNS_PERCENT: usize = 2;
/// Production endpoints of an account, as per cent of them, that one change rolls before it is
/// confirmed.
pub const UNCONFIRMED_PERCENT: usize = 10;
/// How late something may show in a search of a sweep's, and how far clocks may be apart.
pub const SEARCH_MARGIN: Duration = Duration::from_mins(10);
/// How often passes over a whole repository look for what no commit declares.
pub const ORPHANS_PERIOD: Duration = Duration::from_mins(10);
/// Resources of one unit that are named as orphaned; the rest is counted.
pub const ORPHANS_NAMED_MAX: usize = 5;
/// Resources of one unit that are looked at in one survey of what is left over.
pub const SURVEY_NAMES_MAX: usize = 200;
/// How long an endpoint config and what it stands on is kept at least, after it was made and after it
/// was first seen to hold.
pub const KEPT_PERIOD: Duration = Duration::from_hours(30 * 24);
/// Releases of one environment, counted back, whose artefacts' models and endpoint configs are kept.
pub const KEPT_RELEASES: usize = 5;
/// Unreferenced resources of one unit that are collected in one pass.
pub const COLLECTED_MAX: usize = 10;
/// Units of one account and region that one commit may take down without saying so twice.
pub const REMOVED_MIN: usize = 3;
/// The same as per cent of the units there.
pub const REMOVED_PERCENT: usize = 10;
/// How often a member is put back before it is left, and reported.
pub const FLAPS_MAX: usize = 2;
/// Within what time that counts.
pub const FLAP_WINDOW: Duration = Duration::from_hours(24);
/// Lines of one kind that the daemon writes in a period; the rest is counted.
pub const NEWS_ALIKE_MAX: usize = 20;
/// Lines of one kind about one thing.
pub const NEWS_OF_ONE_MAX: usize = 6;
/// The longest such period: each that was too short is followed by one of twice its length.
pub const NEWS_PERIOD_MAX: Duration = Duration::from_hours(4);
/// Pages read of a list that is read from its newest item on, until what is looked for is found.
pub const NEWEST_PAGES_MAX: usize = 50;
/// Rounds of looks that one observation may need: a reference leads to a reference.
pub const OBSERVE_ROUNDS_MAX: usize = 16;
/// Bytes of a plan that is read from a file.
pub const PLAN_FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Steps of one plan.
pub const PLAN_STEPS_MAX: usize = 200;
/// Bytes of a text object (an evaluation report) that is read from S3.
pub const TEXT_OBJECT_BYTES_MAX: usize = 1024 * 1024;
/// Attempts at a run that failed for a reason of the service's.
pub const RUN_ATTEMPTS_MAX: u32 = 3;
/// Attempts at an endpoint update that failed for a reason of the service's.
pub const UPDATE_ATTEMPTS_MAX: u32 = 3;

/// Calls a second of one operation that reads, in one account and region, where Service Quotas says
/// nothing of it. 2 a second is what `ListTrainingJobs` was seen to allow.
pub const LOOKS_PER_SECOND: f64 = 2.0;
/// Calls a second of one operation that changes something, in one account and region, where Service
/// Quotas says nothing of it:
/// `CreateProcessingJob`'s published figure.
pub const CHANGES_PER_SECOND: f64 = 1.0;
/// Pages read of an account's quotas, of 100 each: SageMaker has some thousands.
pub const QUOTA_PAGES_MAX: usize = 60;
/// The highest rate that is believed of a quota, in calls a second.
pub const QUOTA_RATE_MAX: f64 = 1_000.0;
/// How long a call may wait for its turn; one that would wait longer is refused at once.
pub const CALL_QUEUE_MAX: Duration = Duration::from_mins(1);
/// One call to AWS, from sending to the whole answer.
pub const CALL_DEADLINE: Duration = Duration::from_secs(30);
/// How long a word of the lease's holder is good for.
pub const LEASE_TERM: Duration = Duration::from_mins(1);
/// How often the lease's holder gives its word anew, and others look whether it did.
pub const LEASE_RENEW: Duration = Duration::from_secs(8);
/// By how much two clocks may differ in how long a lease's term takes.
pub const LEASE_MARGIN: Duration = Duration::from_secs(5);
/// The longest term of a lease that is believed.
pub const LEASE_TERM_MAX: Duration = Duration::from_mins(10);
/// One call about the lease: shorter than what is between two words.
pub const LEASE_CALL_DEADLINE: Duration = Duration::from_secs(5);
/// Sources and branches whose newest commits a lease remembers.
pub const LEASE_HEADS_MAX: usize = 1_000;
/// Until a connection to AWS stands.
pub const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// Bytes of one answer of AWS; `GetObject`'s has its own limit.
pub const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;
/// One conversation with a Git repository: a fetch or a push.
pub const FETCH_DEADLINE: Duration = Duration::from_mins(2);
/// How long a local repository must be quiet after a change before it is hinted at.
pub const WATCH_QUIET: Duration = Duration::from_millis(200);
/// How often a source is asked for its refs.
pub const POLL_INTERVAL: Duration = Duration::from_secs(15);
/// Asynchronous invocations of one endpoint of the local SageMaker that have not ended.
pub const INVOCATIONS_QUEUED_MAX: usize = 1000;
/// Calls of the local SageMaker that were asked to fail and have not yet.
pub const FAULTS_PENDING_MAX: usize = 1000;
/// Metrics that the local SageMaker keeps, in all accounts and regions.
pub const METRICS_MAX: usize = 10_000;
/// Seconds with data that are kept of each of them.
pub const METRIC_SECONDS_MAX: usize = 10_800;
/// Entries that are kept of the history of an alarm.
pub const ALARM_HISTORY_MAX: usize = 100;
/// Letters of the secret that hooks are signed with, at least: a shorter one can be guessed.
pub const HOOK_SECRET_CHARS_MIN: usize = 16;
/// Bytes of a hook of a Git host: what GitHub sends at most. They are not kept.
pub const HOOK_BYTES_MAX: u64 = 25 * 1024 * 1024;
/// Bytes of a hook's headers, and of its body that are in memory at a time.
pub const HOOK_HEAD_BYTES_MAX: usize = 16 * 1024;
/// How long the headers of a hook, and then its body, may take.
pub const HOOK_PERIOD_MAX: Duration = Duration::from_secs(10);
/// How long a connection over which hooks come is kept.
pub const HOOK_CONNECTION_PERIOD_MAX: Duration = Duration::from_mins(1);
/// Such connections at a time.
pub const HOOK_CONNECTIONS_MAX: usize = 64;
/// The least time between two looks that hooks ask for.
pub const HOOK_PAUSE: Duration = Duration::from_secs(1);
/// How long a Git host that says it is asked too often is left alone at first. Its `Retry-After` does
/// not come through libgit2; a minute is what the forges' own limits are counted by.
pub const GIT_THROTTLED_PAUSE: Duration = Duration::from_mins(1);
/// The longest pause after it says so again and again.
pub const GIT_THROTTLED_PAUSE_MAX: Duration = Duration::from_mins(16);
/// The least time between two looks at the same thing that may be asked for.
pub const INTERVAL_MIN: Duration = Duration::from_millis(10);
/// How long an endpoint may be in motion before the wait is called late.
pub const ENDPOINT_DEADLINE: Duration = Duration::from_hours(1);
/// How long a run may take before the wait is called late.
pub const RUN_DEADLINE: Duration = Duration::from_hours(24);

/// Files that a command has to be able to open before it begins: those of its threads' waits and signals,
/// a mirror, and a connection or two.
pub const BEGIN_FILES: usize = 12;
/// Body of one request to the local SageMaker, S3 uploads excepted.
pub const LOCAL_REQUEST_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Connections to the local SageMaker at a time; more wait in the kernel's queue.
pub const LOCAL_CONNECTIONS_MAX: usize = 2_048;
/// Open files that the local SageMaker asks the system for: those of connections, and as many for jobs,
/// endpoints and objects.
pub const LOCAL_OPEN_FILES: u64 = 8_192;
/// How long a client of the local SageMaker may take over the headers of a request, and over each piece
/// of its body.
pub const LOCAL_CLIENT_DEADLINE: Duration = Duration::from_mins(1);
/// Bytes of such a piece.
pub const LOCAL_PIECE_BYTES: usize = 64 * 1024;
/// How long the answer to a change waits at most until the local SageMaker has it on disk.
pub const LOCAL_KEPT_DEADLINE: Duration = Duration::from_secs(1);
/// Bytes of a body that is too long which are read nevertheless, so that its sender hears why.
pub const LOCAL_DRAINED_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Roles of one account (IAM's own figure), and deleted ones that are remembered as such.
pub const IAM_ROLES_MAX: usize = 1_000;
/// Policies of one account that roles share (IAM's own figure).
pub const IAM_POLICIES_MAX: usize = 1_500;
/// Versions of one policy (IAM's own figure).
pub const IAM_VERSIONS_MAX: usize = 5;
/// Policies that one role shares with others (IAM's own figure).
pub const IAM_ATTACHED_MAX: usize = 10;
/// Characters of the policies of one role's own, without spaces (IAM's own figure).
pub const IAM_INLINE_CHARS_MAX: usize = 10_240;
/// Characters of a policy that roles share, without spaces (IAM's own figure).
pub const IAM_POLICY_CHARS_MAX: usize = 6_144;
/// Characters of what says who may become a role, without spaces (IAM's own figure).
pub const IAM_TRUST_CHARS_MAX: usize = 2_048;
/// Tags of one role (IAM's own figure).
pub const IAM_TAGS_MAX: usize = 50;
/// Answers of one simulation: actions times resources.
pub const SIMULATED_MAX: usize = 10_000;
/// Queues of one world.
pub const QUEUES_MAX: usize = 1_000;
/// Messages of one queue.
pub const QUEUE_MESSAGES_MAX: usize = 10_000;
/// Messages of one queue that are received and not deleted.
pub const QUEUE_FLIGHT_MAX: usize = 1_000;
/// Rules of one world.
pub const RULES_MAX: usize = 300;
/// Schedules of one world, and groups of them.
pub const SCHEDULES_MAX: usize = 1_000;
/// How often what an event changes is told within one step; what then still changes is told with
/// the next.
pub const EVENT_ROUNDS_MAX: usize = 8;
/// How deep a pattern of events or a filter of messages may be nested.
pub const EVENT_PATTERN_DEPTH_MAX: usize = 16;
/// How deep the parts of a request in CBOR or of a form may be nested.
pub const PROTOCOL_DEPTH_MAX: usize = 32;
/// Values of one request in CBOR.
pub const CBOR_ITEMS_MAX: usize = 200_000;
/// Fields of one form.
pub const FORM_FIELDS_MAX: usize = 20_000;
/// Payload of one `InvokeEndpoint` (the service model's figure).
pub const INVOKE_BYTES_MAX: usize = 6_291_456;
/// One S3 object of the local SageMaker.
pub const LOCAL_OBJECT_BYTES_MAX: u64 = 5 * 1024 * 1024 * 1024;
/// One line of a local job's output; a longer one is kept in pieces.
pub const JOB_LINE_BYTES_MAX: usize = 64 * 1024;
/// What a supervisor is told to start.
pub const JOB_SPEC_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of all files of one archive that is unpacked for a local job.
pub const ARCHIVE_BYTES_MAX: u64 = 5 * 1024 * 1024 * 1024;
/// Files and folders of one archive that is unpacked for a local job.
pub const ARCHIVE_ENTRIES_MAX: usize = 100_000;
/// An S3 object up to this size lives in the local SageMaker's state itself, a larger one in a file.
pub const INLINE_OBJECT_BYTES_MAX: usize = 1024 * 1024;
/// Calls that the local SageMaker remembers for `/_trueup/calls`.
pub const CALL_LOG_MAX: usize = 20_000;
/// Request body of one remembered call; a larger one is remembered without it.
pub const CALL_LOG_BODY_BYTES_MAX: usize = 16 * 1024;
/// Parts of one multipart upload (S3's own figure).
pub const UPLOAD_PARTS_MAX: i32 = 10_000;
/// Versions and delete markers that a bucket keeps behind its current objects.
pub const BUCKET_VERSIONS_MAX: usize = 100_000;
/// Changes of objects that are told of after one step; what is more is not told.
pub const OBJECT_CHANGES_MAX: usize = 10_000;
/// Rules of a bucket that tell a queue or a topic (S3's own figure).
pub const NOTIFICATION_RULES_MAX: usize = 100;
/// Tags of one object (S3's own figure).
pub const OBJECT_TAGS_MAX: usize = 10;
/// Bytes of a part that is not the last one (S3's own figure).
pub const PART_BYTES_MIN: u64 = 5 * 1024 * 1024;
/// Multipart uploads that are open at once.
pub const UPLOADS_MAX: usize = 1_000;
/// Captured invocations that wait to be written; when they are more, the next write comes at once.
pub const CAPTURE_BATCH_MAX: usize = 100;
/// How often a message of a topic is sent to an endpoint that does not take it.
pub const POST_ATTEMPTS_MAX: u32 = 4;
/// How long an endpoint may take to take a message of a topic.
pub const POST_DEADLINE: Duration = Duration::from_secs(5);
/// Local jobs and endpoints' processes that run at once; the rest waits its turn.
pub const LOCAL_JOBS_MAX: usize = 4;
/// How long a local serving process may take until it answers its first ping (SageMaker's own
/// figure, where the endpoint config gives none).
pub const FLEET_START_DEADLINE: Duration = Duration::from_mins(4);
/// Serving processes of one variant on this machine, unless another number is asked for.
pub const FLEET_INSTANCES_MAX: usize = 4;
/// How long a serverless variant stays up when nobody asks it.
pub const SERVERLESS_IDLE: Duration = Duration::from_mins(1);
/// Bytes of the body of an asynchronous invocation, and of its answer.
pub const ASYNC_PAYLOAD_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Virtual environments of the local SageMaker that are kept for `requirements.txt` files.
pub const ENVIRONMENTS_MAX: usize = 16;
/// How often a local serving process that died is started again.
pub const FLEET_RESTARTS_MAX: u32 = 1;
/// Objects of one channel or input of a local job.
pub const CHANNEL_OBJECTS_MAX: usize = 100_000;
/// One input of a local transform job, unpacked.
pub const TRANSFORM_OBJECT_BYTES_MAX: usize = 256 * 1024 * 1024;
/// One answer of the container of a local transform job.
pub const TRANSFORM_ANSWER_BYTES_MAX: usize = 100 * 1024 * 1024;
/// Inputs of one local transform job that are in memory at once.
pub const TRANSFORM_FILES_AT_ONCE: usize = 4;
/// Bytes of a program of a local job in which `/opt/ml` is looked for.
pub const PROGRAM_BYTES_MAX: u64 = 1024 * 1024;
/// Bytes of a local job's output that become logs at a time.
pub const LOG_READ_BYTES_MAX: u64 = 1024 * 1024;
/// Groups of local logs.
pub const LOG_GROUPS_MAX: usize = 1_000;
/// Streams of one group of local logs; of those that jobs write the oldest go.
pub const LOG_STREAMS_MAX: usize = 1_000;
/// Events of one stream of local logs that are kept; the oldest go.
pub const LOG_EVENTS_MAX: usize = 20_000;
/// Bytes of one stream of local logs that are kept; the oldest events go.
pub const LOG_STREAM_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of all local logs that are kept; what was said longest ago goes.
pub const LOG_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Rows of a user's table of images.
pub const IMAGE_ROWS_MAX: usize = 200;
/// Entries of this machine's `/opt` that local jobs see beside their `/opt/ml`.
pub const OPT_ENTRIES_MAX: usize = 256;
/// Bytes that one process may write into `/opt` itself, where it has an `/opt/ml` of its own.
pub const OPT_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Output of one local job that is kept.
pub const JOB_LOG_BYTES_MAX: usize = 1024 * 1024;
/// How long a stopped local job may take before it is killed (SageMaker's own figure).
pub const JOB_STOP_GRACE: Duration = Duration::from_mins(2);
/// How long one answer of a local serving process may take (SageMaker's own figure).
pub const INVOKE_DEADLINE: Duration = Duration::from_mins(1);

/// Bytes of one record of a dataset that is analyzed: a captured invocation whose two sides are as
/// long as they may be and in base 64, with room for escapes.
pub const ANALYZED_RECORD_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Bytes of a baseline's file that such a dataset is held against.
pub const ANALYZED_BASELINE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Columns of such a dataset.
pub const ANALYZED_COLUMNS_MAX: usize = 4_096;
/// Different values of one column that are counted each; of more, their number is estimated.
pub const DISTINCT_VALUES_MAX: usize = 1_000;
/// Bytes of a value that is counted by itself.
pub const CATEGORY_BYTES_MAX: usize = 1_024;

/// Executions of one monitoring schedule that the service model keeps, and their jobs.
pub const MONITORING_EXECUTIONS_MAX: usize = 100;
/// Calls that the service model keeps in its log.
pub const WORLD_CALLS_MAX: usize = 4_096;
/// Steps of one pipeline, those in branches included.
pub const PIPELINE_STEPS_MAX: usize = 200;
