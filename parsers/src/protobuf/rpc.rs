//! `google.rpc.Status`, in which gRPC's `grpc-status-details-bin` tells more of an
//! error, and those of its details (`google/rpc/error_details.proto`) that are read.

use super::schema::Kind::{Duration, Int, Long, Message as Of, Named, Text, Texts};
use super::schema::{Message, many, one};

pub(crate) static STATUS: Message = Message(&[
    one(1, "code", Int),
    one(2, "message", Text),
    many(
        3,
        "details",
        Named(&[
            ("google.rpc.ErrorInfo", &ERROR_INFO),
            ("google.rpc.QuotaFailure", &QUOTA_FAILURE),
            ("google.rpc.RetryInfo", &RETRY_INFO),
        ]),
    ),
]);

static ERROR_INFO: Message =
    Message(&[one(1, "reason", Text), one(2, "domain", Text), one(3, "metadata", Texts)]);

static RETRY_INFO: Message = Message(&[one(1, "retryDelay", Duration)]);

static QUOTA_FAILURE: Message = Message(&[many(1, "violations", Of(&VIOLATION))]);

static VIOLATION: Message = Message(&[
    one(1, "subject", Text),
    one(2, "description", Text),
    one(3, "apiService", Text),
    one(4, "quotaMetric", Text),
    one(5, "quotaId", Text),
    one(6, "quotaDimensions", Texts),
    one(7, "quotaValue", Long),
    one(8, "futureQuotaValue", Long),
]);
