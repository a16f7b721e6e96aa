using System.Text.RegularExpressions;
using Lema.Engine.Errors;

namespace Lema.Fuzz;

/// <summary>Refusals reduced to their shape: without the numbers, names and quotations of the one input.</summary>
internal static partial class Outcome
{
    public static string Of(InvalidInputException refusal) => Particulars().Replace(refusal.Problem, "#").Split(':')[0];

    // Greedy: what is quoted may hold any character, quotes among them.
    [GeneratedRegex(@"'.*'|"".*""|\[.*\]|[0-9][0-9.,]*", RegexOptions.Singleline)]
    private static partial Regex Particulars();
}
