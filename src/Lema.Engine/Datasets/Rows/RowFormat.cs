namespace Lema.Engine.Datasets.Rows;

/// <summary>What the fields of a dataset's rows mean.</summary>
public enum RowFormat
{
    /// <summary><c>{"text"}</c>.</summary>
    Text,

    /// <summary><c>{"prompt", "completion"}</c>.</summary>
    PromptCompletion,

    /// <summary><c>{"instruction", "input"?, "output", "system"?, "history"?: [[question, answer], …]}</c>.</summary>
    Alpaca,

    /// <summary><c>{"conversations": [{"from": "human" | "gpt" | "system" | "tool", "value"}, …], "system"?, "tools"?}</c>.</summary>
    ShareGpt,

    /// <summary><c>{"messages": [{"role", "content", …}, …], "tools"?}</c>, as OpenAI's interface has them.</summary>
    Messages,

    /// <summary><c>{"question", …}</c> with one field, in lower case, for each field of a reply format.</summary>
    Questions,
}

/// <summary>A format and why a file is taken to have it.</summary>
public sealed record DetectedFormat(RowFormat Format, string Reason)
{
    /// <summary>The format's name for users.</summary>
    public string Name => Format switch
    {
        RowFormat.PromptCompletion => "prompt-completion",
        RowFormat other => other.ToString().ToLowerInvariant(),
    };
}
