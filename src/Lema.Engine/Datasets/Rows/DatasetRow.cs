using System.Runtime.InteropServices;
using System.Text.Json;

namespace Lema.Engine.Datasets.Rows;

/// <summary>A row whose fields were understood.</summary>
public abstract record DatasetRow
{
    /// <summary>The row's text, to find rows that are equal.</summary>
    public abstract string Content { get; }

    /// <summary>How much text it holds, in UTF-16 or UTF-8 units.</summary>
    public abstract long TextLength { get; }

    /// <summary>Whether there is nothing to learn in it.</summary>
    public abstract bool IsEmpty { get; }

    /// <summary>The field that is at fault in a row that <see cref="IsEmpty"/>; empty: the row as a whole.</summary>
    public abstract string EmptyField { get; }

    /// <summary>What is wrong with a row that <see cref="IsEmpty"/>.</summary>
    public virtual string EmptyProblem => "is empty.";
}

/// <summary>Plain text, all of which carries loss.</summary>
public sealed record TextRow(string Text) : DatasetRow
{
    public override string Content => Text;

    public override long TextLength => Text.Length;

    public override bool IsEmpty => string.IsNullOrWhiteSpace(Text);

    public override string EmptyField => "text";
}

/// <summary>A prompt and the completion that is to be learned.</summary>
public sealed record PairRow(string Prompt, string Completion) : DatasetRow
{
    public override string Content => $"{Prompt}\0{Completion}";

    public override long TextLength => Prompt.Length + Completion.Length;

    public override bool IsEmpty => Completion.Length == 0;

    public override string EmptyField => "completion";
}

/// <summary>A conversation.</summary>
/// <param name="Messages">An array of <c>{"role", "content", …}</c>.</param>
/// <param name="Tools">An array of tools, or null.</param>
public sealed record ChatRow(JsonElement Messages, JsonElement? Tools) : DatasetRow
{
    public override string Content => Messages.GetRawText();

    public override long TextLength => JsonMarshal.GetRawUtf8Value(Messages).Length;

    public override string EmptyField => "";

    public override string EmptyProblem => "has no assistant turn that says anything: there is nothing to learn.";

    public override bool IsEmpty => !Messages.EnumerateArray().Any(message => message.GetProperty("role").GetString() == "assistant" && SaysSomething(message));

    private static bool SaysSomething(JsonElement message) =>
        message.TryGetProperty("tool_calls", out JsonElement calls) && calls.ValueKind == JsonValueKind.Array
        || message.TryGetProperty("content", out JsonElement content) && (content.ValueKind == JsonValueKind.String ? content.GetString()!.Length > 0 : content.ValueKind == JsonValueKind.Array);
}
