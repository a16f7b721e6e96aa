using System.Text.RegularExpressions;
using Lema.Engine.Errors;

namespace Lema.Server.Storage;

/// <summary>Names that users give to models, datasets, adapters and runs. A valid name is also a safe file name.</summary>
internal static partial class ResourceNames
{
    public static bool IsValid(string name) => NamePattern().IsMatch(name);

    /// <param name="field">The request's field, for the message.</param>
    /// <exception cref="InvalidInputException">The name is not valid.</exception>
    public static string Check(string field, string name) => IsValid(name) ? name : throw new InvalidInputException("request", field,
        name.Length == 0 ? "a name is needed." : $"'{Shorten(name)}' is no valid name: use letters, digits, '.', '-' and '_', at most 100, beginning with a letter or digit.");

    private static string Shorten(string text) => text.Length <= 100 ? text : text[..100] + "...";

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\z", RegexOptions.CultureInvariant)]
    private static partial Regex NamePattern();
}
