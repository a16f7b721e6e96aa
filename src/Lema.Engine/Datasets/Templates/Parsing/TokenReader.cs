using System.Runtime.CompilerServices;

namespace Lema.Engine.Datasets.Templates.Parsing;

/// <summary>A cursor over the tokens of a template.</summary>
internal sealed class TokenReader(IReadOnlyList<Token> tokens)
{
    private int _at;

    public Token Current => tokens[_at];

    public Token Following => tokens[Math.Min(_at + 1, tokens.Count - 1)];

    public Token Next() => tokens[_at < tokens.Count - 1 ? _at++ : _at];

    public bool SkipOperator(string text) => Skip(Current.IsOperator(text));

    public bool SkipName(string text) => Skip(Current.IsName(text));

    public void ExpectOperator(string text)
    {
        if (!SkipOperator(text)) throw Error($"expected token '{text}', got {Current}");
    }

    public void Expect(TokenKind kind, string what)
    {
        if (Current.Kind != kind) throw Error($"expected {what}, got {Current}");
        Next();
    }

    public string ExpectName() => Current.Kind == TokenKind.Name ? Next().Text : throw Error($"expected a name, got {Current}");

    public TemplateError Error(string problem) => new(TemplateErrorKind.Syntax, $"line {Current.Line}: {problem}");

    /// <summary>Called by every rule that can nest: a stack overflow would end the process.</summary>
    public static void CheckDepth()
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack()) throw TemplateError.Limit("the template is nested too deeply.");
    }

    private bool Skip(bool condition)
    {
        if (condition) Next();
        return condition;
    }
}
