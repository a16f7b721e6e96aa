namespace Lema.Engine.Datasets.Templates.Parsing;

internal enum TokenKind { Data, PrintBegin, PrintEnd, BlockBegin, BlockEnd, Name, Text, Integer, Float, Operator, End }

/// <summary>A token of a template.</summary>
/// <param name="Text">Its characters; of a string literal, the string.</param>
/// <param name="Line">From 1.</param>
internal readonly record struct Token(TokenKind Kind, string Text, int Line)
{
    public bool IsOperator(string text) => Kind == TokenKind.Operator && Text == text;

    public bool IsName(string text) => Kind == TokenKind.Name && Text == text;

    public override string ToString() => Kind switch
    {
        TokenKind.End => "end of template",
        TokenKind.PrintEnd => "end of print statement",
        TokenKind.BlockEnd => "end of statement block",
        _ => $"'{Text}'",
    };
}
