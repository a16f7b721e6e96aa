using Lema.Engine.Datasets.Replies;
using Lema.Engine.Evaluation;
using Lema.Engine.Generation;
using Lema.Engine.Models;

namespace Lema.Engine.Tests.Evaluation;

public sealed class ReplyEvaluatorTests
{
    [Fact]
    public void Evaluate_OfBaseModel_FindsPlainRightAnswersAndNoFormat()
    {
        using LanguageModel model = TinyModel.Open(TinyModel.Folder);
        ReplyQuestion[] questions =
            [.. ReplyRowGenerator.Generate(FactBase.BuiltIn, new ReplyDatasetOptions(TrainRows: 1, HeldOutRows: 100)).HeldOut.Select(row => new ReplyQuestion(row.Question, row.Expected))];
        List<int> progress = [];
        ReplyEvaluation evaluation = new ReplyEvaluator(model, TinyModel.Tokenizer, EndTokens.Read(TinyModel.Folder, TinyModel.Tokenizer), ReplyFormat.Lema).Evaluate(questions, progress.Add);
        Assert.Equal((100, 0), (evaluation.Questions, evaluation.ValidFormat));
        Assert.InRange(evaluation.RightAnswers, 99, 100);
        Assert.Equal(Enumerable.Range(1, 100), progress);
    }
}
