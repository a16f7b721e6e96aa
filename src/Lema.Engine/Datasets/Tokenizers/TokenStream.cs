using System.Text;
using Lema.Engine.Datasets.Tokenizers.Decoders;

namespace Lema.Engine.Datasets.Tokenizers;

/// <summary>
/// Decodes ids that come one by one: every complete character leaves at once, an unfinished one waits. The increments and the flush together are
/// what <see cref="Tokenizer.Decode(IEnumerable{int}, bool)"/> gives for ids that come from text. For one thread.
/// </summary>
public sealed class TokenStream
{
    private readonly DecoderStage _stage;
    private readonly Func<int, string?> _textOf;
    private readonly StringBuilder _increment = new();

    internal TokenStream(DecoderStage stage, Func<int, string?> textOf)
    {
        _stage = stage;
        _textOf = textOf;
    }

    /// <summary>The text that is complete with this id; often empty.</summary>
    public string Append(int id)
    {
        if (_textOf(id) is { } token) _stage.Append(token, part => _increment.Append(part));
        return Take();
    }

    /// <summary>The end of the ids: what was held back, an unfinished character as U+FFFD.</summary>
    public string Flush()
    {
        _stage.Flush(part => _increment.Append(part));
        return Take();
    }

    private string Take()
    {
        string text = _increment.ToString();
        _increment.Clear();
        return text;
    }
}
