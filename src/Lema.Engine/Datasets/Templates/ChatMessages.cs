using Lema.Engine.Datasets.Templates.Values;

namespace Lema.Engine.Datasets.Templates;

/// <summary>Messages as transformers hands them to a template: null fields dropped, reasoning under its usual names.</summary>
internal static class ChatMessages
{
    private static readonly string[] ReasoningNames = ["reasoning_content", "thinking", "reasoning"];

    public static object? Prepare(object? messages) => messages is List<object?> list ? list.Select(Message).ToList() : messages;

    private static object? Message(object? message)
    {
        if (message is not DictValue given) return message;
        DictValue prepared = [];
        foreach ((object? key, object? value) in given)
        {
            if (value is not null) prepared[key] = value;
        }
        if (ReasoningNames.FirstOrDefault(prepared.Contains) is not { } name) return prepared;
        prepared.TryGet(name, out object? reasoning);
        prepared["reasoning_content"] = reasoning;
        if (!prepared.Contains("thinking")) prepared["thinking"] = reasoning;
        return prepared;
    }
}
