//! `google.cloud.aiplatform`: the same API as Vertex AI has it, under numbers of
//! its own, by its published `content.proto`, `tool.proto`, `openapi.proto` and
//! `prediction_service.proto` (v1).

use super::gemini::{
    BLOB, CODE_RESULT, EXECUTABLE_CODE, FILE_DATA, HARM_PROBABILITIES, HARM_THRESHOLDS, MODALITIES,
    MODALITY_COUNT, NOTHING, TYPES,
};
use super::schema::Kind::{
    Any, Bool, Bytes, Double, Enum, Float, Int, Long, Map, Message as Of, Struct, Text,
};
use super::schema::{Message, many, one};

pub(super) static GENERATE_REQUEST: Message = Message(&[
    many(2, "contents", Of(&CONTENT)),
    many(3, "safetySettings", Of(&SAFETY_SETTING)),
    one(4, "generationConfig", Of(&GENERATION_CONFIG)),
    one(5, "model", Text),
    many(6, "tools", Of(&TOOL)),
    one(7, "toolConfig", Of(&TOOL_CONFIG)),
    one(8, "systemInstruction", Of(&CONTENT)),
    one(9, "cachedContent", Text),
]);

pub(super) static GENERATE_RESPONSE: Message = Message(&[
    many(2, "candidates", Of(&CANDIDATE)),
    one(3, "promptFeedback", Of(&PROMPT_FEEDBACK)),
    one(4, "usageMetadata", Of(&USAGE_METADATA)),
    one(11, "modelVersion", Text),
    one(13, "responseId", Text),
]);

static CONTENT: Message = Message(&[one(1, "role", Text), many(2, "parts", Of(&PART))]);

static PART: Message = Message(&[
    one(1, "text", Text),
    one(2, "inlineData", Of(&BLOB)),
    one(3, "fileData", Of(&FILE_DATA)),
    one(5, "functionCall", Of(&FUNCTION_CALL)),
    one(6, "functionResponse", Of(&FUNCTION_RESPONSE)),
    one(8, "executableCode", Of(&EXECUTABLE_CODE)),
    one(9, "codeExecutionResult", Of(&CODE_RESULT)),
    one(10, "thought", Bool),
    one(11, "thoughtSignature", Bytes),
]);

static FUNCTION_CALL: Message =
    Message(&[one(1, "name", Text), one(2, "args", Struct), one(5, "willContinue", Bool)]);

static FUNCTION_RESPONSE: Message = Message(&[one(1, "name", Text), one(2, "response", Struct)]);

static CANDIDATE: Message = Message(&[
    one(1, "index", Int),
    one(2, "content", Of(&CONTENT)),
    one(3, "finishReason", Enum(FINISH_REASONS)),
    many(4, "safetyRatings", Of(&SAFETY_RATING)),
    one(5, "finishMessage", Text),
    one(9, "avgLogprobs", Double),
]);

const FINISH_REASONS: &[&str] = &[
    "FINISH_REASON_UNSPECIFIED",
    "STOP",
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "OTHER",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MALFORMED_FUNCTION_CALL",
    "MODEL_ARMOR",
];

static PROMPT_FEEDBACK: Message = Message(&[
    one(
        1,
        "blockReason",
        Enum(&[
            "BLOCKED_REASON_UNSPECIFIED",
            "SAFETY",
            "OTHER",
            "BLOCKLIST",
            "PROHIBITED_CONTENT",
            "MODEL_ARMOR",
            "JAILBREAK",
        ]),
    ),
    many(2, "safetyRatings", Of(&SAFETY_RATING)),
    one(3, "blockReasonMessage", Text),
]);

static USAGE_METADATA: Message = Message(&[
    one(1, "promptTokenCount", Int),
    one(2, "candidatesTokenCount", Int),
    one(3, "totalTokenCount", Int),
    one(5, "cachedContentTokenCount", Int),
    one(
        8,
        "trafficType",
        Enum(&[
            "TRAFFIC_TYPE_UNSPECIFIED",
            "ON_DEMAND",
            "PROVISIONED_THROUGHPUT",
            "ON_DEMAND_PRIORITY",
            "ON_DEMAND_FLEX",
        ]),
    ),
    many(9, "promptTokensDetails", Of(&MODALITY_COUNT)),
    many(10, "cacheTokensDetails", Of(&MODALITY_COUNT)),
    many(11, "candidatesTokensDetails", Of(&MODALITY_COUNT)),
    many(12, "toolUsePromptTokensDetails", Of(&MODALITY_COUNT)),
    one(13, "toolUsePromptTokenCount", Int),
    one(14, "thoughtsTokenCount", Int),
]);

static SAFETY_SETTING: Message = Message(&[
    one(1, "category", Enum(HARM_CATEGORIES)),
    one(2, "threshold", Enum(HARM_THRESHOLDS)),
]);

static SAFETY_RATING: Message = Message(&[
    one(1, "category", Enum(HARM_CATEGORIES)),
    one(2, "probability", Enum(HARM_PROBABILITIES)),
    one(3, "blocked", Bool),
    one(5, "probabilityScore", Float),
    one(7, "severityScore", Float),
]);

const HARM_CATEGORIES: &[&str] = &[
    "HARM_CATEGORY_UNSPECIFIED",
    "HARM_CATEGORY_HATE_SPEECH",
    "HARM_CATEGORY_DANGEROUS_CONTENT",
    "HARM_CATEGORY_HARASSMENT",
    "HARM_CATEGORY_SEXUALLY_EXPLICIT",
    "HARM_CATEGORY_CIVIC_INTEGRITY",
];

static GENERATION_CONFIG: Message = Message(&[
    one(1, "temperature", Float),
    one(2, "topP", Float),
    one(3, "topK", Float),
    one(4, "candidateCount", Int),
    one(5, "maxOutputTokens", Int),
    many(6, "stopSequences", Text),
    one(7, "logprobs", Int),
    one(8, "presencePenalty", Float),
    one(9, "frequencyPenalty", Float),
    one(12, "seed", Int),
    one(13, "responseMimeType", Text),
    one(16, "responseSchema", Of(&SCHEMA)),
    one(18, "responseLogprobs", Bool),
    many(21, "responseModalities", Enum(MODALITIES)),
    one(
        25,
        "thinkingConfig",
        Of(&Message(&[one(1, "includeThoughts", Bool), one(3, "thinkingBudget", Int)])),
    ),
    one(28, "responseJsonSchema", Any),
]);

static TOOL: Message = Message(&[
    many(1, "functionDeclarations", Of(&FUNCTION_DECLARATION)),
    one(2, "retrieval", Of(&NOTHING)),
    one(3, "googleSearchRetrieval", Of(&NOTHING)),
    one(4, "codeExecution", Of(&NOTHING)),
]);

static FUNCTION_DECLARATION: Message = Message(&[
    one(1, "name", Text),
    one(2, "description", Text),
    one(3, "parameters", Of(&SCHEMA)),
    one(4, "response", Of(&SCHEMA)),
    one(5, "parametersJsonSchema", Any),
    one(6, "responseJsonSchema", Any),
]);

static TOOL_CONFIG: Message = Message(&[one(
    1,
    "functionCallingConfig",
    Of(&Message(&[
        one(1, "mode", Enum(&["MODE_UNSPECIFIED", "AUTO", "ANY", "NONE"])),
        many(2, "allowedFunctionNames", Text),
    ])),
)]);

static SCHEMA: Message = Message(&[
    one(1, "type", Enum(TYPES)),
    one(2, "items", Of(&SCHEMA)),
    one(3, "properties", Map(&SCHEMA)),
    one(4, "example", Any),
    many(5, "required", Text),
    one(6, "nullable", Bool),
    one(7, "format", Text),
    one(8, "description", Text),
    many(9, "enum", Text),
    many(11, "anyOf", Of(&SCHEMA)),
    one(14, "minProperties", Long),
    one(15, "maxProperties", Long),
    one(16, "minimum", Double),
    one(17, "maximum", Double),
    one(18, "minLength", Long),
    one(19, "maxLength", Long),
    one(20, "pattern", Text),
    one(21, "minItems", Long),
    one(22, "maxItems", Long),
    one(23, "default", Any),
    one(24, "title", Text),
    many(25, "propertyOrdering", Text),
]);
