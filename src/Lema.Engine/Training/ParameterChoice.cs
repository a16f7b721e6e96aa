using System.Globalization;
using Lema.Engine.Errors;
using Lema.Engine.Models;

namespace Lema.Engine.Training;

/// <summary>Which parameters of the base model a full fine-tuning trains: blocks by <c>all</c>, <c>last:K</c>, <c>first:K</c> or number, besides <c>emb</c> and <c>head</c>; within blocks, name endings.</summary>
public sealed class ParameterChoice
{
    private readonly HashSet<int> _blocks = [];
    private readonly FullFineTuningSettings _settings;
    private readonly bool _all, _embedding, _head;
    private readonly int _blockCount;

    /// <exception cref="InvalidInputException">A word is not understood, or names nothing of this model.</exception>
    public ParameterChoice(DecoderModel model, FullFineTuningSettings settings)
    {
        (_settings, _blockCount) = (settings, model.BlockCount);
        foreach (string word in settings.Blocks)
        {
            switch (word)
            {
                case "all":
                    _blocks.UnionWith(Enumerable.Range(0, model.BlockCount));
                    _all = true;
                    break;
                case "emb": _embedding = true; break;
                case "head": _head = true; break;
                default: _blocks.UnionWith(Numbers(word, model.BlockCount)); break;
            }
        }
        // One tensor is both.
        if (model.TiedEmbeddings && _head) _embedding = true;
        string[] modules = [.. WholeParameter.All(model).Where(p => _all || (p.Layer >= 0 && p.Layer < model.BlockCount)).Select(p => p.Name)];
        foreach (string ending in settings.Modules.Where(ending => !modules.Any(name => EndsWith(name, ending))))
            throw Invalid("fullFineTuning.modules", $"'{ending}' is the end of no parameter name of a {model.ModelType} model.");
        if (!WholeParameter.All(model).Any(Includes)) throw Invalid("fullFineTuning", "chooses no parameter.");
    }

    public bool Includes(WholeParameter parameter)
    {
        if (parameter.Layer < 0 && _embedding || parameter.Layer == _blockCount && _head) return true;
        return (_all || _blocks.Contains(parameter.Layer)) && (_settings.Modules.IsEmpty || _settings.Modules.Any(ending => EndsWith(parameter.Name, ending)));
    }

    private static IEnumerable<int> Numbers(string word, int blocks)
    {
        string[] parts = word.Split(':');
        if (!int.TryParse(parts[^1], NumberStyles.None, CultureInfo.InvariantCulture, out int number) || parts.Length > 2) throw Unknown(word);
        if (number > blocks || (parts.Length == 1 && number == blocks)) throw Invalid("fullFineTuning.blocks", $"'{word}': the model has {blocks} blocks.");
        return parts switch
        {
            ["last", _] => Enumerable.Range(blocks - number, number),
            ["first", _] => Enumerable.Range(0, number),
            [_] => [number],
            _ => throw Unknown(word),
        };
    }

    private static bool EndsWith(string name, string ending) => IsNamed(name, ending) || IsNamed(name[..name.LastIndexOf('.')], ending);

    private static bool IsNamed(string name, string ending) => name == ending || name.EndsWith("." + ending, StringComparison.Ordinal);

    private static InvalidInputException Unknown(string word) =>
        Invalid("fullFineTuning.blocks", $"'{word}' is not understood; use all, last:K, first:K, a block number, emb or head.");

    private static InvalidInputException Invalid(string key, string problem) => new("run settings", key, problem);
}
