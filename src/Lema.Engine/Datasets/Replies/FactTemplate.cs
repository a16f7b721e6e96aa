using System.Text.RegularExpressions;

namespace Lema.Engine.Datasets.Replies;

/// <summary>
/// Fills the placeholders of a relation's templates: <c>{subject}</c>, <c>{object}</c> as they stand; <c>{Subject}</c>, <c>{Object}</c> with the first
/// character upper-cased; <c>{a_subject}</c>, <c>{a_object}</c> with an article before it (<c>an</c> before a, e, i, o, u); <c>{A_subject}</c>,
/// <c>{A_object}</c> both.
/// </summary>
internal static partial class FactTemplate
{
    [GeneratedRegex(@"\{([^{}]*)\}")]
    private static partial Regex Placeholder { get; }

    public static string Fill(string template, Fact fact) => Placeholder.Replace(template, match => match.Groups[1].Value switch
    {
        "subject" => fact.Subject,
        "object" => fact.Object,
        "Subject" => Capitalized(fact.Subject),
        "Object" => Capitalized(fact.Object),
        "a_subject" => WithArticle(fact.Subject),
        "a_object" => WithArticle(fact.Object),
        "A_subject" => Capitalized(WithArticle(fact.Subject)),
        "A_object" => Capitalized(WithArticle(fact.Object)),
        _ => match.Value,
    });

    /// <summary>The first placeholder that <see cref="Fill"/> does not know, or null.</summary>
    public static string? FindUnknown(string template)
    {
        Fact probe = new("", "", "s", "o");
        return Placeholder.Matches(template).Select(match => match.Value).FirstOrDefault(text => Fill(text, probe) == text);
    }

    private static string Capitalized(string text) => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..];

    private static string WithArticle(string text) => (text.Length > 0 && "aeiouAEIOU".Contains(text[0]) ? "an " : "a ") + text;
}
