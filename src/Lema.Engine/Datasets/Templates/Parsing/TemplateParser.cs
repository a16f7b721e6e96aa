namespace Lema.Engine.Datasets.Templates.Parsing;

/// <summary>Parses a template into statements.</summary>
internal sealed class TemplateParser
{
    private readonly TokenReader _tokens;
    private readonly ExpressionParser _expressions;
    private int _loops;

    private TemplateParser(string template)
    {
        _tokens = new TokenReader(TemplateLexer.Read(template));
        _expressions = new ExpressionParser(_tokens);
    }

    /// <exception cref="TemplateError">The template is not valid.</exception>
    public static IReadOnlyList<Statement> Parse(string template)
    {
        TemplateParser parser = new(template);
        return parser.Body();
    }

    /// <summary>Statements up to one of the tags, whose name has not been read yet; without tags, up to the end of the template.</summary>
    private List<Statement> Body(params ReadOnlySpan<string> ends)
    {
        TokenReader.CheckDepth();
        List<Statement> body = [];
        while (true)
        {
            switch (_tokens.Current.Kind)
            {
                case TokenKind.Data:
                    body.Add(new Data(_tokens.Next().Text));
                    break;
                case TokenKind.PrintBegin:
                    _tokens.Next();
                    body.Add(new Print(_expressions.ParseTuple()));
                    _tokens.Expect(TokenKind.PrintEnd, "token 'end of print statement'");
                    break;
                case TokenKind.BlockBegin:
                    _tokens.Next();
                    if (_tokens.Current.Kind == TokenKind.Name && ends.Contains(_tokens.Current.Text)) return body;
                    body.Add(Tag());
                    break;
                default:
                    if (ends.Length == 0) return body;
                    throw _tokens.Error($"Unexpected end of template. Jinja was looking for the following tags: '{string.Join("' or '", ends!)}'.");
            }
        }
    }

    private Statement Tag()
    {
        string name = _tokens.ExpectName();
        switch (name)
        {
            case "if": return ParseIf();
            case "for": return ParseFor();
            case "set": return ParseSet();
            case "macro": return ParseMacro();
            case "call": return ParseCall();
            case "with": return ParseWith();
            case "generation": return new GenerationBlock(Block("endgeneration"));
            case "block":
                _tokens.ExpectName();
                return new Block(Block("endblock"));
            case "filter":
                Expression filtered = _expressions.BlockFilters(barFirst: false);
                return new FilterBlock(filtered, Block("endfilter"));
            case "break" or "continue" when _loops == 0:
                throw TemplateError.Other($"'{name}' outside loop");
            case "break":
                EndTag();
                return new Break();
            case "continue":
                EndTag();
                return new Continue();
            case "include" or "import" or "extends" or "from":
                throw TemplateError.Type($"'{name}' is not allowed: a chat template stands alone.");
            default:
                throw _tokens.Error($"Encountered unknown tag '{name}'.");
        }
    }

    private void EndTag() => _tokens.Expect(TokenKind.BlockEnd, "token 'end of statement block'");

    private List<Statement> Block(string end)
    {
        EndTag();
        List<Statement> body = Body(end);
        _tokens.Next();
        if (_tokens.Current.Kind == TokenKind.Name && end == "endblock") _tokens.Next();
        EndTag();
        return body;
    }

    private If ParseIf()
    {
        List<(Expression, IReadOnlyList<Statement>)> branches = [];
        List<Statement> otherwise = [];
        Expression condition = _expressions.ParseTuple(withConditional: false);
        while (true)
        {
            EndTag();
            branches.Add((condition, Body("elif", "else", "endif")));
            string end = _tokens.Next().Text;
            if (end == "elif")
            {
                condition = _expressions.ParseTuple(withConditional: false);
                continue;
            }
            if (end == "else") otherwise = Block("endif");
            else EndTag();
            return new If(branches, otherwise);
        }
    }

    private For ParseFor()
    {
        Target target = ParseTarget(withAttributes: false);
        if (!_tokens.SkipName("in")) throw _tokens.Error($"expected token 'in', got {_tokens.Current}");
        Expression items = _expressions.ParseTuple(withConditional: false);
        Expression? condition = _tokens.SkipName("if") ? _expressions.Parse() : null;
        bool recursive = _tokens.SkipName("recursive");
        EndTag();
        _loops++;
        List<Statement> body = Body("endfor", "else");
        _loops--;
        List<Statement> otherwise = [];
        if (_tokens.Next().Text == "else") otherwise = Block("endfor");
        else EndTag();
        return new For(target, items, condition, recursive, body, otherwise);
    }

    private Statement ParseSet()
    {
        Target target = ParseTarget(withAttributes: true);
        if (_tokens.SkipOperator("="))
        {
            Expression value = _expressions.ParseTuple();
            EndTag();
            return new Set(target, value);
        }
        Expression? filtered = _tokens.Current.IsOperator("|") ? _expressions.BlockFilters(barFirst: true) : null;
        return new SetBlock(target, filtered, Block("endset"));
    }

    private With ParseWith()
    {
        List<(Target, Expression)> values = [];
        while (_tokens.Current.Kind != TokenKind.BlockEnd)
        {
            if (values.Count > 0) _tokens.ExpectOperator(",");
            Target target = SingleTarget(withAttributes: false);
            _tokens.ExpectOperator("=");
            values.Add((target, _expressions.Parse()));
        }
        return new With(values, Block("endwith"));
    }

    private Macro ParseMacro()
    {
        string name = AssignableName();
        List<(string, Expression?)> parameters = Parameters();
        return new Macro(name, parameters, Outside(() => Block("endmacro")));
    }

    private CallBlock ParseCall()
    {
        List<(string, Expression?)> parameters = _tokens.Current.IsOperator("(") ? Parameters() : [];
        Call call = _expressions.Parse() as Call ?? throw _tokens.Error("expected call");
        return new CallBlock(parameters, call, Outside(() => Block("endcall")));
    }

    // A loop around a macro is not a loop of the macro's body.
    private List<Statement> Outside(Func<List<Statement>> parse)
    {
        (int loops, _loops) = (_loops, 0);
        List<Statement> body = parse();
        _loops = loops;
        return body;
    }

    private List<(string, Expression?)> Parameters()
    {
        List<(string, Expression?)> parameters = [];
        _tokens.ExpectOperator("(");
        while (!_tokens.SkipOperator(")"))
        {
            if (parameters.Count > 0) _tokens.ExpectOperator(",");
            string name = AssignableName();
            parameters.Add((name, _tokens.SkipOperator("=") ? _expressions.Parse() : null));
        }
        return parameters;
    }

    private Target ParseTarget(bool withAttributes)
    {
        Target first = SingleTarget(withAttributes);
        if (!_tokens.Current.IsOperator(",")) return first;
        List<Target> items = [first];
        while (_tokens.SkipOperator(",") && (_tokens.Current.Kind == TokenKind.Name || _tokens.Current.IsOperator("(")) && !_tokens.Current.IsName("in")) items.Add(SingleTarget(withAttributes));
        return new TupleTarget(items);
    }

    private Target SingleTarget(bool withAttributes)
    {
        if (_tokens.SkipOperator("("))
        {
            TokenReader.CheckDepth();
            Target inner = ParseTarget(withAttributes);
            _tokens.ExpectOperator(")");
            return inner;
        }
        string name = AssignableName();
        return withAttributes && _tokens.SkipOperator(".") ? new AttributeTarget(name, _tokens.ExpectName()) : new NameTarget(name);
    }

    private string AssignableName()
    {
        if (_tokens.Current.Kind != TokenKind.Name) throw _tokens.Error($"expected a name, got {_tokens.Current}");
        if (ExpressionParser.IsLiteral(_tokens.Current.Text)) throw _tokens.Error("can't assign to 'const'");
        return _tokens.Next().Text;
    }
}
