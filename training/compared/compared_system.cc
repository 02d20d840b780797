// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/compared/compared_system.h"

#include "reenact/error.h"
#include "reenact/model_file.h"
#include "training/compared/reenactor_system.h"
#include "training/compared/x2face_system.h"
#include "training/personalise/personalise_config.h"

namespace reenact::training {

std::string tuning_settings(const ComparedSystemOptions& options) {
  const RunConfig told(options.personalise, options.overrides);
  read_personalise_config(told, "paper");
  return told.to_toml();
}

std::unique_ptr<ComparedSystem> load_compared_system(const ComparedSystemOptions& options) {
  const auto kind = ModelFile(options.model).info().kind;
  if (kind == ModelKind::reenactor) return std::make_unique<ReenactorSystem>(options);
  if (kind == ModelKind::warper) return std::make_unique<X2FaceSystem>(options);
  throw Error(ErrorCode::wrong_kind, "'" + options.model.string() + "' is of the kind " + to_string(kind) +
                                         ", wanted a reenactor or a warper");
}

}  // namespace reenact::training
