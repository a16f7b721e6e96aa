using Lema.Engine.Datasets.Replies;
using Lema.Engine.Errors;
using Lema.Engine.Evaluation;
using Lema.Engine.Generation;
using Lema.Engine.Models;
using Lema.Testing;

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

    [Fact]
    public void Load_OfQuestions_ReadsThem()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.File("q.jsonl"), "\uFEFF{\"question\":\"Who?\",\"expected\":\"She\",\"more\":1}\r\n\n{\"expected\":\"Rome\",\"question\":\"Where?\"}");
        Assert.Equal([new("Who?", "She"), new("Where?", "Rome")], ReplyQuestion.Load(folder.File("q.jsonl")));
    }

    [Fact]
    public void Load_OfBadLines_NamesEach()
    {
        using TemporaryFolder folder = new();
        byte[] invalid = [.. "{\"question\":\"q\"}\n{\n[]\n{\"question\":1,\"expected\":\"e\"}\n{\"question\":\"ok\",\"expected\":\"e\"}\n"u8, 0xFF];
        File.WriteAllBytes(folder.File("q.jsonl"), invalid);
        InvalidInputsException fault = Assert.Throws<InvalidInputsException>(() => ReplyQuestion.Load(folder.File("q.jsonl")));
        Assert.Equal(["line 1", "line 2", "line 3", "line 4", "line 6"], fault.Problems.Select(problem => problem.Place));
        File.WriteAllText(folder.File("q.jsonl"), "\n\n");
        Assert.Throws<InvalidInputException>(() => ReplyQuestion.Load(folder.File("q.jsonl")));
    }
}
