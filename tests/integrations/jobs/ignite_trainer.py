"""PyTorch-Ignite: WandBLogger on rank 0, with gradients, the learning rate, and the metrics of an evaluator."""

import ignite.distributed as idist
import torch
from ignite.engine import Events, create_supervised_evaluator, create_supervised_trainer
from ignite.handlers import global_step_from_engine
from ignite.handlers.wandb_logger import WandBLogger
from ignite.metrics import Accuracy, Loss
from torch.utils.data import TensorDataset


def training(local_rank, config):
    x = torch.randn(512, 20, generator=torch.Generator().manual_seed(0))
    loader = idist.auto_dataloader(TensorDataset(x, x[:, :4].argmax(1)), batch_size=32)
    model = idist.auto_model(torch.nn.Linear(20, 4))
    optimizer = idist.auto_optim(torch.optim.Adam(model.parameters(), lr=config["lr"]))
    criterion = torch.nn.CrossEntropyLoss()
    trainer = create_supervised_trainer(model, optimizer, criterion)
    evaluator = create_supervised_evaluator(model, metrics={"accuracy": Accuracy(), "loss": Loss(criterion)})

    if idist.get_rank() == 0:
        logger = WandBLogger(project="ignite-demo", name="linear", config=config, tags=["toy"])
        logger.attach_output_handler(
            trainer,
            event_name=Events.ITERATION_COMPLETED(every=4),
            tag="training",
            output_transform=lambda loss: {"batchloss": loss},
        )
        logger.attach_output_handler(
            evaluator,
            event_name=Events.EPOCH_COMPLETED,
            tag="validation",
            metric_names="all",
            global_step_transform=lambda *_: trainer.state.iteration,
        )
        logger.attach_opt_params_handler(trainer, Events.ITERATION_COMPLETED(every=4), optimizer=optimizer)
        logger.watch(model, log="all")

    @trainer.on(Events.EPOCH_COMPLETED)
    def validate(engine):
        evaluator.run(loader)

    trainer.run(loader, max_epochs=4)
    if idist.get_rank() == 0:
        logger.close()


if __name__ == "__main__":
    with idist.Parallel(backend="gloo") as parallel:
        parallel.run(training, {"lr": 1e-2})
