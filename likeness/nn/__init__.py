"""Networks: tensors in, tensors out. They know no loss, no data and no training."""
