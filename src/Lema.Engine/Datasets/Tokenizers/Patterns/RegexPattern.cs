using Lema.Engine.Datasets.Tokenizers.Text;
using Lema.Engine.Errors;

namespace Lema.Engine.Datasets.Tokenizers.Patterns;

/// <summary>A regular expression over code points. Safe for use by many threads at once.</summary>
internal sealed class RegexPattern : ITextPattern
{
    private const long StepsOfUnit = 64;
    private const long LeastSteps = 1_000_000;

    [ThreadStatic]
    private static RegexMatcher? t_matcher;

    private readonly RegexProgram _program;
    private readonly JsonPart _source;

    /// <param name="source">The place in the tokenizer's file that holds the pattern.</param>
    /// <exception cref="InvalidInputException">The pattern is not valid or uses what is not supported.</exception>
    public RegexPattern(JsonPart source)
    {
        _source = source;
        try
        {
            _program = RegexCompiler.Compile(RegexParser.Parse(source.Text()));
        }
        catch (RegexSyntaxException problem)
        {
            throw source.Invalid($"the regular expression is not supported {problem.Message}.");
        }
    }

    public bool Find(ReadOnlySpan<char> text, int from, out int start, out int length)
    {
        RegexMatcher matcher = t_matcher ??= new RegexMatcher();
        long steps = LeastSteps + StepsOfUnit * (text.Length - from);
        try
        {
            for (start = from; ;)
            {
                int end = matcher.Match(_program, text, start, steps);
                length = end - start;
                if (end >= 0) return true;
                if (start == text.Length) break;
                CharacterClass.CodePointAt(text, start, out int skipped);
                start += skipped;
            }
        }
        catch (RegexTooSlowException)
        {
            throw _source.Invalid("the regular expression takes too long on this text.");
        }
        length = 0;
        return false;
    }
}
