//! `google.ai.generativelanguage`: the Gemini API's messages, by the numbers of
//! its published `content.proto`, `generative_service.proto` and
//! `safety.proto` (v1beta; the other versions have fewer of the same).

use super::schema::Kind::{
    Any, Bool, Bytes, Double, Enum, Float, Int, Long, Map, Message as Of, Struct, Text,
};
use super::schema::{Message, many, one};

pub(super) static GENERATE_REQUEST: Message = Message(&[
    one(1, "model", Text),
    many(2, "contents", Of(&CONTENT)),
    many(3, "safetySettings", Of(&SAFETY_SETTING)),
    one(4, "generationConfig", Of(&GENERATION_CONFIG)),
    many(5, "tools", Of(&TOOL)),
    one(7, "toolConfig", Of(&TOOL_CONFIG)),
    one(8, "systemInstruction", Of(&CONTENT)),
    one(9, "cachedContent", Text),
]);

pub(super) static GENERATE_RESPONSE: Message = Message(&[
    many(1, "candidates", Of(&CANDIDATE)),
    one(2, "promptFeedback", Of(&PROMPT_FEEDBACK)),
    one(3, "usageMetadata", Of(&USAGE_METADATA)),
    one(4, "modelVersion", Text),
    one(5, "responseId", Text),
]);

pub(super) static COUNT_REQUEST: Message = Message(&[
    one(1, "model", Text),
    many(2, "contents", Of(&CONTENT)),
    one(3, "generateContentRequest", Of(&GENERATE_REQUEST)),
]);

pub(super) static COUNT_RESPONSE: Message = Message(&[
    one(1, "totalTokens", Int),
    one(5, "cachedContentTokenCount", Int),
    many(6, "promptTokensDetails", Of(&MODALITY_COUNT)),
    many(7, "cacheTokensDetails", Of(&MODALITY_COUNT)),
]);

pub(super) static EMBED_REQUEST: Message = Message(&[
    one(1, "model", Text),
    one(2, "content", Of(&CONTENT)),
    one(3, "taskType", Enum(TASK_TYPES)),
    one(4, "title", Text),
    one(5, "outputDimensionality", Int),
]);

pub(super) static EMBED_RESPONSE: Message = Message(&[one(1, "embedding", Of(&EMBEDDING))]);

pub(super) static EMBED_REQUESTS: Message =
    Message(&[one(1, "model", Text), many(2, "requests", Of(&EMBED_REQUEST))]);

pub(super) static EMBED_RESPONSES: Message = Message(&[many(1, "embeddings", Of(&EMBEDDING))]);

static EMBEDDING: Message = Message(&[many(1, "values", Float)]);

const TASK_TYPES: &[&str] = &[
    "TASK_TYPE_UNSPECIFIED",
    "RETRIEVAL_QUERY",
    "RETRIEVAL_DOCUMENT",
    "SEMANTIC_SIMILARITY",
    "CLASSIFICATION",
    "CLUSTERING",
    "QUESTION_ANSWERING",
    "FACT_VERIFICATION",
    "CODE_RETRIEVAL_QUERY",
];

static CONTENT: Message = Message(&[many(1, "parts", Of(&PART)), one(2, "role", Text)]);

static PART: Message = Message(&[
    one(2, "text", Text),
    one(3, "inlineData", Of(&BLOB)),
    one(4, "functionCall", Of(&FUNCTION_CALL)),
    one(5, "functionResponse", Of(&FUNCTION_RESPONSE)),
    one(6, "fileData", Of(&FILE_DATA)),
    one(8, "partMetadata", Struct),
    one(9, "executableCode", Of(&EXECUTABLE_CODE)),
    one(10, "codeExecutionResult", Of(&CODE_RESULT)),
    one(11, "thought", Bool),
    one(13, "thoughtSignature", Bytes),
]);

pub(super) static BLOB: Message = Message(&[one(1, "mimeType", Text), one(2, "data", Bytes)]);

pub(super) static FILE_DATA: Message =
    Message(&[one(1, "mimeType", Text), one(2, "fileUri", Text)]);

static FUNCTION_CALL: Message =
    Message(&[one(1, "name", Text), one(2, "args", Struct), one(3, "id", Text)]);

static FUNCTION_RESPONSE: Message = Message(&[
    one(1, "name", Text),
    one(2, "response", Struct),
    one(3, "id", Text),
    one(4, "willContinue", Bool),
]);

pub(super) static EXECUTABLE_CODE: Message =
    Message(&[one(1, "language", Enum(&["LANGUAGE_UNSPECIFIED", "PYTHON"])), one(2, "code", Text)]);

pub(super) static CODE_RESULT: Message = Message(&[
    one(
        1,
        "outcome",
        Enum(&["OUTCOME_UNSPECIFIED", "OUTCOME_OK", "OUTCOME_FAILED", "OUTCOME_DEADLINE_EXCEEDED"]),
    ),
    one(2, "output", Text),
]);

static CANDIDATE: Message = Message(&[
    one(1, "content", Of(&CONTENT)),
    one(2, "finishReason", Enum(FINISH_REASONS)),
    one(3, "index", Int),
    one(4, "finishMessage", Text),
    many(5, "safetyRatings", Of(&SAFETY_RATING)),
    one(7, "tokenCount", Int),
    one(10, "avgLogprobs", Double),
]);

const FINISH_REASONS: &[&str] = &[
    "FINISH_REASON_UNSPECIFIED",
    "STOP",
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "OTHER",
    "LANGUAGE",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MALFORMED_FUNCTION_CALL",
    "IMAGE_SAFETY",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_OTHER",
    "NO_IMAGE",
    "IMAGE_RECITATION",
];

static PROMPT_FEEDBACK: Message = Message(&[
    one(
        1,
        "blockReason",
        Enum(&[
            "BLOCK_REASON_UNSPECIFIED",
            "SAFETY",
            "OTHER",
            "BLOCKLIST",
            "PROHIBITED_CONTENT",
            "IMAGE_SAFETY",
        ]),
    ),
    many(2, "safetyRatings", Of(&SAFETY_RATING)),
]);

static USAGE_METADATA: Message = Message(&[
    one(1, "promptTokenCount", Int),
    one(2, "candidatesTokenCount", Int),
    one(3, "totalTokenCount", Int),
    one(4, "cachedContentTokenCount", Int),
    many(5, "promptTokensDetails", Of(&MODALITY_COUNT)),
    many(6, "cacheTokensDetails", Of(&MODALITY_COUNT)),
    many(7, "candidatesTokensDetails", Of(&MODALITY_COUNT)),
    one(8, "toolUsePromptTokenCount", Int),
    many(9, "toolUsePromptTokensDetails", Of(&MODALITY_COUNT)),
    one(10, "thoughtsTokenCount", Int),
]);

pub(super) static MODALITY_COUNT: Message = Message(&[
    one(
        1,
        "modality",
        Enum(&["MODALITY_UNSPECIFIED", "TEXT", "IMAGE", "VIDEO", "AUDIO", "DOCUMENT"]),
    ),
    one(2, "tokenCount", Int),
]);

static SAFETY_SETTING: Message = Message(&[
    one(3, "category", Enum(HARM_CATEGORIES)),
    one(4, "threshold", Enum(HARM_THRESHOLDS)),
]);

static SAFETY_RATING: Message = Message(&[
    one(3, "category", Enum(HARM_CATEGORIES)),
    one(4, "probability", Enum(HARM_PROBABILITIES)),
    one(5, "blocked", Bool),
]);

const HARM_CATEGORIES: &[&str] = &[
    "HARM_CATEGORY_UNSPECIFIED",
    "HARM_CATEGORY_DEROGATORY",
    "HARM_CATEGORY_TOXICITY",
    "HARM_CATEGORY_VIOLENCE",
    "HARM_CATEGORY_SEXUAL",
    "HARM_CATEGORY_MEDICAL",
    "HARM_CATEGORY_DANGEROUS",
    "HARM_CATEGORY_HARASSMENT",
    "HARM_CATEGORY_HATE_SPEECH",
    "HARM_CATEGORY_SEXUALLY_EXPLICIT",
    "HARM_CATEGORY_DANGEROUS_CONTENT",
    "HARM_CATEGORY_CIVIC_INTEGRITY",
];

pub(super) const HARM_THRESHOLDS: &[&str] = &[
    "HARM_BLOCK_THRESHOLD_UNSPECIFIED",
    "BLOCK_LOW_AND_ABOVE",
    "BLOCK_MEDIUM_AND_ABOVE",
    "BLOCK_ONLY_HIGH",
    "BLOCK_NONE",
    "OFF",
];

/// Of answers.
pub(super) const MODALITIES: &[&str] = &["MODALITY_UNSPECIFIED", "TEXT", "IMAGE", "AUDIO"];

pub(super) const HARM_PROBABILITIES: &[&str] =
    &["HARM_PROBABILITY_UNSPECIFIED", "NEGLIGIBLE", "LOW", "MEDIUM", "HIGH"];

static GENERATION_CONFIG: Message = Message(&[
    one(1, "candidateCount", Int),
    many(2, "stopSequences", Text),
    one(4, "maxOutputTokens", Int),
    one(5, "temperature", Float),
    one(6, "topP", Float),
    one(7, "topK", Int),
    one(8, "seed", Int),
    one(13, "responseMimeType", Text),
    one(14, "responseSchema", Of(&SCHEMA)),
    one(15, "presencePenalty", Float),
    one(16, "frequencyPenalty", Float),
    one(17, "responseLogprobs", Bool),
    one(18, "logprobs", Int),
    many(20, "responseModalities", Enum(MODALITIES)),
    one(
        22,
        "thinkingConfig",
        Of(&Message(&[one(1, "includeThoughts", Bool), one(2, "thinkingBudget", Int)])),
    ),
    one(24, "responseJsonSchema", Any),
]);

static TOOL: Message = Message(&[
    many(1, "functionDeclarations", Of(&FUNCTION_DECLARATION)),
    one(2, "googleSearchRetrieval", Of(&NOTHING)),
    one(3, "codeExecution", Of(&NOTHING)),
    one(4, "googleSearch", Of(&NOTHING)),
    one(6, "computerUse", Of(&NOTHING)),
    one(8, "urlContext", Of(&NOTHING)),
    one(9, "fileSearch", Of(&NOTHING)),
    one(11, "googleMaps", Of(&NOTHING)),
]);

/// Whose fields are shown by their numbers.
pub(super) static NOTHING: Message = Message(&[]);

static FUNCTION_DECLARATION: Message = Message(&[
    one(1, "name", Text),
    one(2, "description", Text),
    one(3, "parameters", Of(&SCHEMA)),
    one(4, "response", Of(&SCHEMA)),
    one(5, "behavior", Enum(&["UNSPECIFIED", "BLOCKING", "NON_BLOCKING"])),
    one(6, "parametersJsonSchema", Any),
    one(7, "responseJsonSchema", Any),
]);

static TOOL_CONFIG: Message = Message(&[one(
    1,
    "functionCallingConfig",
    Of(&Message(&[
        one(1, "mode", Enum(&["MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"])),
        many(2, "allowedFunctionNames", Text),
    ])),
)]);

static SCHEMA: Message = Message(&[
    one(1, "type", Enum(TYPES)),
    one(2, "format", Text),
    one(3, "description", Text),
    one(4, "nullable", Bool),
    many(5, "enum", Text),
    one(6, "items", Of(&SCHEMA)),
    one(7, "properties", Map(&SCHEMA)),
    many(8, "required", Text),
    one(9, "minProperties", Long),
    one(10, "maxProperties", Long),
    one(11, "minimum", Double),
    one(12, "maximum", Double),
    one(13, "minLength", Long),
    one(14, "maxLength", Long),
    one(15, "pattern", Text),
    one(16, "example", Any),
    many(18, "anyOf", Of(&SCHEMA)),
    one(21, "maxItems", Long),
    one(22, "minItems", Long),
    many(23, "propertyOrdering", Text),
    one(24, "title", Text),
    one(25, "default", Any),
]);

pub(super) const TYPES: &[&str] =
    &["TYPE_UNSPECIFIED", "STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"];
