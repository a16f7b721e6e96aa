using Lema.Engine.Datasets.Replies;
using Lema.Engine.Errors;
using Proto = Lema.Protocol.V1;

namespace Lema.Server.EngineJobs;

/// <summary>Reply formats of the protocol as the engine takes them.</summary>
internal static class ReplyFormatMapping
{
    /// <summary>Null when none is named. A name alone stands for the built-in format of that name.</summary>
    /// <exception cref="InvalidInputsException">Everything that is wrong with it.</exception>
    public static ReplyFormat? ToEngine(this Proto.ReplyFormat? format)
    {
        if (format is null) return null;
        InvalidInputException[] problems = [.. Problems(format, "replyFormat")];
        return problems.Length == 0 ? Read(format) : throw new InvalidInputsException(problems);
    }

    /// <param name="key">Where the format stands, for messages.</param>
    public static IEnumerable<InvalidInputException> Problems(Proto.ReplyFormat format, string key)
    {
        IEnumerable<(string Key, string Problem)> problems = !IsNameAlone(format) ? ReplyFormatCheck.Problems(Read(format))
            : ReplyFormat.BuiltIn(format.Name) is null ? [("name", $"there is no built-in reply format '{format.Name}', only {ReplyFormat.Lema.Name}. Give the keys open, fields, close and answer too.")]
            : [];
        return problems.Select(problem => new InvalidInputException($"reply format '{format.Name}'", $"{key}.{problem.Key}", problem.Problem));
    }

    private static ReplyFormat Read(Proto.ReplyFormat format) => IsNameAlone(format)
        ? ReplyFormat.BuiltIn(format.Name)!
        : new(format.Name, format.HasPrompt ? format.Prompt : null, format.Open, [.. format.Fields.Select(field => new ReplyField(field.Name, [.. field.Values]))], format.Close, format.Answer);

    private static bool IsNameAlone(Proto.ReplyFormat format) =>
        !format.HasPrompt && format.Open.Length == 0 && format.Fields.Count == 0 && format.Close.Length == 0 && format.Answer.Length == 0;
}
